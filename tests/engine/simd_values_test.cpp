// SPDX-License-Identifier: MIT
// Vectors as values: parameters and results in registers and on the stack, locals, globals, select, blocks
// and loops, calls through tables, and more live vectors than there are registers.
#include <random>

#include "tests/engine/compiled_module.h"

namespace nebulet::test {
namespace {

using wasm::Effort;
using wasm::kF64;
using wasm::kI32;
using wasm::kI64;
using wasm::kV128;
using wasm::Opcode;
using wasm::ValType;

V128 numbered(std::uint64_t n) { return V128::of(n * 0x0101010101010101, ~n * 0x1010101010101011); }
V128 number(std::uint64_t n) { return V128::of(n, 0); }

class SimdValues : public testing::TestWithParam<Effort> {};
INSTANTIATE_TEST_SUITE_P(Efforts, SimdValues, testing::Values(Effort::automatic, Effort::segments));

// A caller that passes what it got on in reverse, directly and through the table; with a stack that vectors
// make unaligned.
TEST_P(SimdValues, ParametersAndResultsOnTheStack) {
  std::vector<ValType> types;
  for (unsigned i = 0; i < 30; ++i) types.push_back(i % 5 == 1 ? kI64 : i % 7 == 3 ? kF64 : kV128);
  std::vector<ValType> reversed(types.rbegin(), types.rend());
  CompiledModule module;
  Code back, direct, indirect;
  for (unsigned i = 30; i-- > 0;) back.get(i);
  const std::uint32_t callee = module.add({types, reversed, {}, back});
  for (unsigned i = 0; i < 30; ++i) direct.get(i), indirect.get(i);
  const std::uint32_t type = module.type_of(callee);
  const std::uint32_t caller = module.add({types, reversed, {}, direct.op(Opcode::call).number(callee)});
  indirect.i32(static_cast<std::int32_t>(callee)).op(Opcode::call_indirect).number(type).number(0);
  const std::uint32_t by_table = module.add({types, reversed, {}, indirect});
  ASSERT_TRUE(module.start(GetParam()));
  std::vector<V128> args, results(30);
  for (unsigned i = 0; i < 30; ++i)
    args.push_back(types[i] == kV128 ? numbered(i + 1) : number(i * 0x0123456789abcdefull));
  for (const std::uint32_t f : {callee, caller, by_table}) {
    EXPECT_EQ(module.call(f, args, results).kind, wasm::Outcome::Kind::returned);
    for (unsigned i = 0; i < 30; ++i) EXPECT_EQ(results[i], args[29 - i]) << f << " " << i;
  }
}

TEST_P(SimdValues, LocalsAreZeroAndGlobalsHoldVectors) {
  CompiledModule module;
  module.add_global({kV128, Code().vector(numbered(9))});
  module.add_global({kI32, Code().i32(7)});
  module.add_global({kV128, Code().vector({})});
  const std::uint32_t zero = module.add({{}, {kV128}, {kV128}, Code().get(0)});
  const std::uint32_t first = module.add({{}, {kV128}, {}, Code().op(Opcode::global_get).number(0)});
  const std::uint32_t write = module.add({{kV128}, {}, {}, Code().get(0).op(Opcode::global_set).number(2)});
  const std::uint32_t sum = module.add(
      {{},
       {kV128},
       {},
       Code().op(Opcode::global_get).number(0).op(Opcode::global_get).number(2).op(Opcode::i64x2_add)});
  ASSERT_TRUE(module.start(GetParam()));
  EXPECT_EQ(module.call(zero, {}), V128{});
  EXPECT_EQ(module.call(first, {}), numbered(9));
  module.call(write, std::array{numbered(5)}, {});
  EXPECT_EQ(module.call(sum, {}), simd_model("i64x2.add", 0, numbered(9), numbered(5), {}).value);
  EXPECT_EQ(module.call(first, {}), numbered(9));
}

TEST_P(SimdValues, SelectChoosesWholeVectors) {
  CompiledModule module;
  const auto add = [&](std::vector<ValType> types, Code condition) {
    types.insert(types.begin(), {kV128, kV128});
    return module.add({types, {kV128}, {}, Code().get(0).get(1).append(condition).op(Opcode::select)});
  };
  const std::uint32_t plain = add({kI32}, Code().get(2));
  const std::uint32_t typed =
      module.add({{kV128, kV128, kI32},
                  {kV128},
                  {},
                  Code().get(0).get(1).get(2).op(Opcode::select_t).number(1).byte(0x7b)});
  const std::uint32_t less = add({kF64, kF64}, Code().get(2).get(3).op(Opcode::f64_lt));
  const std::uint32_t equal = add({kF64, kF64}, Code().get(2).get(3).op(Opcode::f64_eq));
  const std::uint32_t any = add({kV128}, Code().get(2).op(Opcode::v128_any_true));
  const std::uint32_t all = add({kV128}, Code().get(2).op(Opcode::i8x16_all_true).op(Opcode::i32_eqz));
  ASSERT_TRUE(module.start(GetParam()));
  const V128 a = numbered(1), b = numbered(2);
  for (const std::uint32_t f : {plain, typed}) {
    EXPECT_EQ(module.call(f, {a, b, number(0x100)}), a);
    EXPECT_EQ(module.call(f, {a, b, number(0)}), b);
  }
  const V128 one = number(0x3ff0000000000000), nan = number(0x7ff8000000000000);
  EXPECT_EQ(module.call(less, {a, b, number(0), one}), a);
  EXPECT_EQ(module.call(less, {a, b, one, one}), b);
  EXPECT_EQ(module.call(less, {a, b, nan, one}), b);
  EXPECT_EQ(module.call(equal, {a, b, one, one}), a);
  EXPECT_EQ(module.call(equal, {a, b, nan, nan}), b);
  EXPECT_EQ(module.call(any, {a, b, V128::of(0, 1ull << 60)}), a);
  EXPECT_EQ(module.call(any, {a, b, V128{}}), b);
  EXPECT_EQ(module.call(all, {a, b, V128::of(~0ull, ~0ull)}), b);
  EXPECT_EQ(module.call(all, {a, b, V128::of(~0ull, ~0ull << 8)}), a);
}

// if any_true: a branch on a vector, both ways, also inverted.
TEST_P(SimdValues, BranchesOnTests) {
  CompiledModule module;
  const auto add = [&](Opcode test, bool inverted) {
    Code body;
    body.get(0).op(test);
    if (inverted) body.op(Opcode::i32_eqz);
    body.op(Opcode::if_).byte(0x7f).i32(1).op(Opcode::else_).i32(2).op(Opcode::end);
    return module.add({{kV128}, {kI32}, {}, body});
  };
  struct Case {
    const char* name;
    std::uint32_t function, inverse;
  } cases[] = {{"v128.any_true", add(Opcode::v128_any_true, false), add(Opcode::v128_any_true, true)},
               {"i8x16.all_true", add(Opcode::i8x16_all_true, false), add(Opcode::i8x16_all_true, true)},
               {"i16x8.all_true", add(Opcode::i16x8_all_true, false), add(Opcode::i16x8_all_true, true)},
               {"i32x4.all_true", add(Opcode::i32x4_all_true, false), add(Opcode::i32x4_all_true, true)},
               {"i64x2.all_true", add(Opcode::i64x2_all_true, false), add(Opcode::i64x2_all_true, true)}};
  ASSERT_TRUE(module.start(GetParam()));
  const V128 values[] = {{},
                         V128::of(~0ull, ~0ull),
                         V128::of(1, 1),
                         V128::of(1, 0),
                         V128::of(0x0001000100010001, 0x0001000100010001),
                         V128::of(0x0101010101010101, 0x0101010101010100),
                         V128::of(0x0000000100000001, 0x0000000100000001)};
  for (const Case& c : cases)
    for (const V128& value : values) {
      const bool holds = simd_model(c.name, 0, value, {}, {}).value.low() != 0;
      EXPECT_EQ(module.call(c.function, {value}).low(), holds ? 1u : 2u) << c.name;
      EXPECT_EQ(module.call(c.inverse, {value}).low(), holds ? 2u : 1u) << c.name;
    }
}

// Vectors carried around a loop, changing places: a0, a1, a2 = a1, a2, a0 + a1.
TEST_P(SimdValues, LoopsCarryVectors) {
  CompiledModule module;
  Code body;
  body.op(Opcode::loop).byte(0x40);
  body.get(0).get(1).op(Opcode::i32x4_add).get(2).get(1).set(0).set(1).set(2);
  body.get(3).i32(-1).op(Opcode::i32_add).op(Opcode::local_tee).number(3).op(Opcode::br_if).number(0);
  body.op(Opcode::end).get(0).get(1).get(2);
  const std::uint32_t f = module.add({{kV128, kV128, kV128, kI32}, {kV128, kV128, kV128}, {}, body});
  ASSERT_TRUE(module.start(GetParam()));
  V128 a[3] = {numbered(1), numbered(2), numbered(3)}, results[3];
  module.call(f, std::array{a[0], a[1], a[2], number(10)}, results);
  for (unsigned i = 0; i < 10; ++i) {
    const V128 sum = simd_model("i32x4.add", 0, a[0], a[1], {}).value;
    a[0] = a[1], a[1] = a[2], a[2] = sum;
  }
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(results[i], a[i]);
}

// A vector of scalars, lane by lane, complete or not: what is replaced anyway need not be computed, what is
// not must be.
TEST_P(SimdValues, VectorsAreBuiltOfScalars) {
  struct Shape {
    const char* name;
    Opcode splat, replace;
    unsigned lanes;
    ValType type;
  };
  const Shape shapes[] = {{"i8x16", Opcode::i8x16_splat, Opcode::i8x16_replace_lane, 16, kI32},
                          {"i16x8", Opcode::i16x8_splat, Opcode::i16x8_replace_lane, 8, kI32},
                          {"i32x4", Opcode::i32x4_splat, Opcode::i32x4_replace_lane, 4, kI32},
                          {"i64x2", Opcode::i64x2_splat, Opcode::i64x2_replace_lane, 2, kI64},
                          {"f32x4", Opcode::f32x4_splat, Opcode::f32x4_replace_lane, 4, wasm::kF32},
                          {"f64x2", Opcode::f64x2_splat, Opcode::f64x2_replace_lane, 2, kF64}};
  for (const Shape& shape : shapes) {
    CompiledModule module;
    const auto all = static_cast<unsigned>((1u << shape.lanes) - 1);
    // The lanes that are replaced, one after the other; with `twice` the splat is also added to the result.
    struct Case {
      unsigned lanes;
      bool twice;
    };
    std::vector<Case> cases;
    for (const unsigned lanes : {all, all & ~1u, all & ~2u, all & ~(1u << (shape.lanes - 1)), 2u, 1u})
      for (const bool twice : {false, true}) cases.push_back({lanes, twice});
    for (const Case& c : cases) {
      Code body;
      body.get(0).op(shape.splat).op(Opcode::local_tee).number(2);
      for (unsigned lane = 0; lane < shape.lanes; ++lane)
        if (c.lanes >> lane & 1) body.get(1).op(shape.replace).byte(lane);
      if (c.twice) body.get(2).op(Opcode::v128_xor);
      module.add({{shape.type, shape.type}, {kV128}, {kV128}, body});
    }
    ASSERT_TRUE(module.start(GetParam()));
    const V128 first = number(0x3ff1234540490fdb), second = number(0xc005a5a5bf9d70a4);
    const auto narrow = [&](V128 v) {
      return shape.type == kI32 || shape.type == wasm::kF32 ? number(v.low() & 0xffffffff) : v;
    };
    const std::string name = shape.name;
    for (std::uint32_t f = 0; f < cases.size(); ++f) {
      const V128 splat = simd_model(name + ".splat", 0, narrow(first), {}, {}).value;
      V128 expected = splat;
      for (unsigned lane = 0; lane < shape.lanes; ++lane)
        if (cases[f].lanes >> lane & 1)
          expected = simd_model(name + ".replace_lane", lane, expected, narrow(second), {}).value;
      if (cases[f].twice) expected = simd_model("v128.xor", 0, expected, splat, {}).value;
      EXPECT_EQ(module.call(f, {narrow(first), narrow(second)}), expected) << name << " " << f;
    }
  }
}

// Zero-extensions of shuffles and of each other, and products of what they leave small.
TEST_P(SimdValues, ExtensionsCombine) {
  CompiledModule module;
  const Opcode low[] = {Opcode::i16x8_extend_low_i8x16_u, Opcode::i32x4_extend_low_i16x8_u,
                        Opcode::i64x2_extend_low_i32x4_u};
  const Opcode high[] = {Opcode::i16x8_extend_high_i8x16_u, Opcode::i32x4_extend_high_i16x8_u,
                         Opcode::i64x2_extend_high_i32x4_u};
  const auto apply = [](Opcode op, const V128& v) {
    return simd_model(wasm::opcode_info(op).text, 0, v, {}, {}).value;
  };
  struct Case {
    std::vector<Opcode> ops;
    unsigned start;  // of the bytes that are shuffled to the front; 0: none
    Opcode product;
  };
  std::vector<Case> cases;
  for (unsigned start : {0u, 4u, 7u})
    for (unsigned mask = 0; mask < 8; ++mask)
      for (unsigned count = 1; count <= 3; ++count)
        for (const Opcode product : {Opcode::nop, Opcode::i32x4_mul, Opcode::i32x4_extmul_low_i16x8_u,
                                     Opcode::i64x2_extmul_low_i32x4_u}) {
          Case c{{}, start, product};
          for (unsigned k = 0; k < count; ++k) c.ops.push_back(mask >> k & 1 ? high[k] : low[k]);
          cases.push_back(c);
        }
  for (const Case& c : cases) {
    Code body;
    for (unsigned operand = 0; operand < (c.product == Opcode::nop ? 1 : 2); ++operand) {
      body.get(operand);
      if (c.start) {
        body.get(operand).op(Opcode::i8x16_shuffle);
        for (unsigned i = 0; i < 16; ++i) body.byte((c.start + i) % 16);
      }
      for (const Opcode op : c.ops) body.op(op);
    }
    if (c.product != Opcode::nop) body.op(c.product);
    module.add({{kV128, kV128}, {kV128}, {}, body});
  }
  ASSERT_TRUE(module.start(GetParam()));
  const V128 values[] = {V128::of(0xfffefdfcfbfaf9f8, 0x8081828384858687), V128::of(~0ull, ~0ull),
                         V128::of(0x7f00ff80017fff00, 0xff01ff7f80ff00ff)};
  for (std::uint32_t f = 0; f < cases.size(); ++f)
    for (const V128& a : values)
      for (const V128& b : values) {
        const Case& c = cases[f];
        const auto operand = [&](V128 v) {
          if (c.start) {
            V128 moved;
            for (unsigned i = 0; i < 16; ++i) moved.bytes[i] = v.bytes[(c.start + i) % 16];
            v = moved;
          }
          for (const Opcode op : c.ops) v = apply(op, v);
          return v;
        };
        V128 expected = operand(a);
        if (c.product != Opcode::nop)
          expected = simd_model(wasm::opcode_info(c.product).text, 0, expected, operand(b), {}).value;
        EXPECT_EQ(module.call(f, {a, b}), expected) << f;
      }
}

// 40 vectors, scalars of both classes among them, live across a call and used in another order afterwards.
TEST_P(SimdValues, SpilledVectorsSurvive) {
  constexpr unsigned kVectors = 40;
  CompiledModule module;
  const std::uint32_t nothing = module.add({{kV128}, {kV128}, {}, Code().get(0)});
  Code body;
  std::vector<ValType> locals;
  for (unsigned i = 0; i < kVectors; ++i) {
    locals.push_back(kV128);
    body.i32(static_cast<std::int32_t>(i * 16))
        .access(Opcode::v128_load)
        .get(0)
        .op(Opcode::i8x16_add)
        .set(1 + i);
  }
  body.get(0).op(Opcode::call).number(nothing).set(0);
  body.get(0);
  std::vector<unsigned> order;
  std::mt19937 random(5);
  for (unsigned i = 0; i < 3 * kVectors; ++i) order.push_back(random() % kVectors);
  for (const unsigned i : order) body.get(1 + i).op(i % 2 ? Opcode::i16x8_mul : Opcode::i32x4_sub);
  const std::uint32_t f = module.add({{kV128}, {kV128}, locals, body});
  ASSERT_TRUE(module.start(GetParam()));
  const V128 x = numbered(77);
  std::vector<V128> vectors;
  for (unsigned i = 0; i < kVectors; ++i) {
    const V128 value = numbered(i * i + 3);
    std::memcpy(module.memory() + i * 16, value.bytes.data(), 16);
    vectors.push_back(simd_model("i8x16.add", 0, value, x, {}).value);
  }
  V128 expected = x;
  for (const unsigned i : order)
    expected = simd_model(i % 2 ? "i16x8.mul" : "i32x4.sub", 0, expected, vectors[i], {}).value;
  EXPECT_EQ(module.call(f, {x}), expected);
}

}  // namespace
}  // namespace nebulet::test
