// SPDX-License-Identifier: MIT
// Every vector instruction against its model: operands in registers, the same operand twice, constants,
// memory; with values at the boundaries of lanes of all widths.
#include <random>

#include "tests/engine/compiled_module.h"

namespace nebulet::test {
namespace {

using wasm::Effort;
using wasm::kV128;
using wasm::LaneShape;
using wasm::Opcode;
using wasm::OpcodeInfo;
using wasm::ValType;
using wasm::VectorForm;

struct Instruction {
  Opcode op;
  const OpcodeInfo& info() const { return wasm::opcode_info(op); }
  std::string_view name() const { return info().text; }
  VectorForm form() const { return info().form; }
  ValType scalar() const { return {wasm::lane_type(info().lanes)}; }
  unsigned lanes() const { return wasm::lane_count(info().lanes); }
  unsigned lane_bytes() const { return 16 / lanes(); }

  bool is_plain() const { return form() < VectorForm::load; }
  unsigned operands() const {
    switch (form()) {
      case VectorForm::binary:
      case VectorForm::shift:
      case VectorForm::replace: return 2;
      case VectorForm::ternary: return 3;
      default: return 1;
    }
  }
  ValType operand(unsigned i) const {
    if (form() == VectorForm::splat) return scalar();
    if (i == 1 && form() == VectorForm::shift) return wasm::kI32;
    if (i == 1 && form() == VectorForm::replace) return scalar();
    return kV128;
  }
  ValType result() const {
    return form() == VectorForm::test ? wasm::kI32 : form() == VectorForm::extract ? scalar() : kV128;
  }
  bool has_lane() const { return form() == VectorForm::extract || form() == VectorForm::replace; }
  std::vector<ValType> operand_types() const {
    std::vector<ValType> types;
    for (unsigned i = 0; i < operands(); ++i) types.push_back(operand(i));
    return types;
  }
  /// Appends the instruction itself.
  void write(Code& code, unsigned lane) const {
    code.op(op);
    if (has_lane()) code.byte(lane);
  }
};

std::vector<Instruction> instructions() {
  std::vector<Instruction> all;
#define NB_VECTOR(name, code, text, form, lanes, ir) all.push_back({Opcode::name});
#include "wasm/binary/opcodes.def"
  return all;
}

/// Vectors of boundary values of each lane width, and some random ones.
std::vector<V128> samples() {
  std::vector<V128> all;
  const auto repeat = [&](auto... values) {
    std::uint64_t words[] = {static_cast<std::uint64_t>(values)...};
    all.push_back(V128::of(words[0], words[sizeof...(values) - 1]));
  };
  for (const std::uint64_t b : {0x00, 0x01, 0x7f, 0x80, 0xff}) repeat(b * 0x0101010101010101);
  repeat(0x7f80'0001'ff00'8001, 0xfffe'7fff'8000'0080);
  repeat(0x8000'7fff'0000'ffff, 0x0001'8001'7ffe'8000);
  repeat(0x8000'0000'7fff'ffff, 0xffff'ffff'0000'0001);
  repeat(0x8000'0000'0000'0000, 0x7fff'ffff'ffff'ffff);
  repeat(0x0001020304050607, 0x08090a0b0c0d0e0f);
  repeat(0x0f1f101110ff8000, 0x7f100f0e80901210);
  const auto floats = [&](std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    repeat(a | b << 32, c | d << 32);
  };
  floats(0x00000000, 0x80000000, 0x3f800000, 0xbf800000);  // 0, -0, 1, -1
  floats(0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000);  // infinities, canonical NaN
  floats(0x7fa00001, 0xffa00000, 0x7fc12345, 0xff812345);  // other NaN, signalling too
  floats(0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000);  // around 2^31 and 2^32
  floats(0xceffffff, 0xcf000000, 0xcf000001, 0xbf000000);  // around -2^31, -0.5
  floats(0x3f000000, 0x3fc00000, 0x40200000, 0xc0200000);  // halves
  floats(0x00000001, 0x80000001, 0x007fffff, 0x7f7fffff);  // subnormal, largest
  floats(0x4b000001, 0x4b800001, 0xcb7fffff, 0x7f000000);  // around 2^23 and 2^24
  repeat(0x0000000000000000, 0x8000000000000000);
  repeat(0x3ff0000000000000, 0xbff8000000000000);
  repeat(0x7ff0000000000000, 0xfff0000000000000);
  repeat(0x7ff8000000000000, 0xfff8000000012345);
  repeat(0x7ff0000000000001, 0xfff4000000000000);
  repeat(0x41dfffffffc00000, 0x41e0000000000000);  // 2^31 - 1, 2^31
  repeat(0x41efffffffe00000, 0x41f0000000000000);  // 2^32 - 1, 2^32
  repeat(0x41dfffffffffffff, 0x41efffffffffffff);
  repeat(0xc1e0000000000000, 0xc1e0000000200000);  // -2^31, -2^31 - 1
  repeat(0xc1e00000001fffff, 0xbfefffffffffffff);
  repeat(0x4330000000000001, 0xc340000000000000);
  repeat(0x0000000000000001, 0x7fefffffffffffff);
  repeat(0x3fe0000000000000, 0x4004000000000000);
  repeat(0x380fffffffffffff, 0x47efffffe0000001);  // no f32
  std::mt19937_64 random(1);
  for (int i = 0; i < 8; ++i) all.push_back(V128::of(random(), random()));
  return all;
}

/// Shift counts and scalars that are not a vector.
V128 as_operand(ValType type, V128 value) {
  if (type == wasm::kI32 || type == wasm::kF32) return V128::of(value.low() & 0xffffffff, 0);
  if (type != kV128) return V128::of(value.low(), 0);
  return value;
}

/// One instruction in one function: how often each kind of operand is given.
struct Variant {
  Instruction instruction;
  unsigned lane = 0;
  std::uint32_t function = 0;
};

class Checker {
 public:
  void compare(const Variant& variant, const V128& actual, V128 a, V128 b, V128 c) {
    ++compared_;
    const Instruction& i = variant.instruction;
    const Expected expected =
        simd_model(i.name(), variant.lane, as_operand(i.operand(0), a),
                   i.operands() > 1 ? as_operand(i.operand(1), b) : V128{}, i.operands() > 2 ? c : V128{});
    if (simd_matches(expected, actual) || failures_++ > 20) return;
    ADD_FAILURE() << i.name() << " " << variant.lane << text(a) << text(b) << text(c) << " is" << text(actual)
                  << ", should be" << text(expected.value);
  }
  ~Checker() { EXPECT_EQ(failures_, 0u) << "of " << compared_; }

 private:
  static std::string text(const V128& v) {
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, " %016llx'%016llx", static_cast<unsigned long long>(v.high()),
                  static_cast<unsigned long long>(v.low()));
    return buffer;
  }
  unsigned failures_ = 0, compared_ = 0;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const Instruction& instruction : instructions()) {
    if (!instruction.is_plain()) continue;
    for (unsigned lane = 0; lane < (instruction.has_lane() ? instruction.lanes() : 1); ++lane)
      all.push_back({instruction, lane});
  }
  return all;
}

void in_registers(Effort effort) {
  CompiledModule module;
  std::vector<Variant> all = variants();
  for (Variant& v : all) {
    Code body;
    for (unsigned i = 0; i < v.instruction.operands(); ++i) body.get(i);
    v.instruction.write(body, v.lane);
    v.function = module.add({v.instruction.operand_types(), {v.instruction.result()}, {}, body});
  }
  ASSERT_TRUE(module.start(effort));
  const std::vector<V128> values = samples();
  Checker checker;
  for (const Variant& v : all) {
    const unsigned operands = v.instruction.operands();
    std::vector<V128> args(operands);
    for (std::size_t x = 0; x < values.size(); ++x) {
      for (std::size_t y = 0; y < (operands > 1 ? values.size() : 1); ++y) {
        const V128 operand[] = {values[x], values[y], values[(x * 7 + y * 3) % values.size()]};
        for (unsigned i = 0; i < operands; ++i) args[i] = as_operand(v.instruction.operand(i), operand[i]);
        V128 result;
        module.call(v.function, args, std::span(&result, 1));
        checker.compare(v, result, operand[0], operand[1], operand[2]);
      }
    }
  }
}

TEST(Simd, InstructionsComputeWhatTheModelComputes) { in_registers(Effort::automatic); }
TEST(Simd, InstructionsComputeTheSameInSegments) { in_registers(Effort::segments); }

TEST(Simd, TheSameOperandTwice) {
  CompiledModule module;
  std::vector<Variant> all;
  for (const Variant& v : variants())
    if (v.instruction.form() == VectorForm::binary || v.instruction.form() == VectorForm::ternary)
      all.push_back(v);
  for (Variant& v : all) {
    Code body;
    for (unsigned i = 0; i < v.instruction.operands(); ++i) body.get(0);
    v.instruction.write(body, v.lane);
    v.function = module.add({{kV128}, {kV128}, {}, body});
  }
  ASSERT_TRUE(module.start());
  Checker checker;
  for (const Variant& v : all)
    for (const V128& value : samples())
      checker.compare(v, module.call(v.function, {value}), value, value, value);
}

// One operand at a time is a constant, or all are.
TEST(Simd, Constants) {
  std::vector<V128> constants = samples();
  for (std::size_t at = 0; at < constants.size(); at += 3) {
    const V128 constant = constants[at];
    CompiledModule module;
    struct Case {
      Variant variant;
      unsigned constants;
    };
    std::vector<Case> cases;
    for (Variant v : variants()) {
      const unsigned operands = v.instruction.operands();
      for (unsigned mask = 1; mask < 1u << operands; ++mask) {
        Code body;
        for (unsigned i = 0; i < operands; ++i) {
          const ValType type = v.instruction.operand(i);
          if (!(mask >> i & 1)) {
            body.get(i);
          } else if (type == kV128) {
            body.vector(constant);
          } else if (type == wasm::kI32) {
            body.i32(constant.get<std::int32_t>(0));
          } else if (type == wasm::kI64) {
            body.op(Opcode::i64_const).signed_number(constant.get<std::int64_t>(0));
          } else {
            const unsigned bytes = type == wasm::kF32 ? 4 : 8;
            body.op(bytes == 4 ? Opcode::f32_const : Opcode::f64_const);
            for (unsigned k = 0; k < bytes; ++k) body.byte(constant.bytes[k]);
          }
        }
        v.instruction.write(body, v.lane);
        v.function = module.add({v.instruction.operand_types(), {v.instruction.result()}, {}, body});
        cases.push_back({v, mask});
      }
    }
    ASSERT_TRUE(module.start());
    Checker checker;
    for (const Case& c : cases) {
      const Variant& v = c.variant;
      for (std::size_t x = at % 5; x < constants.size(); x += 5) {
        V128 operand[] = {constants[x], constants[(x + 11) % constants.size()],
                          constants[(x + 23) % constants.size()]};
        std::vector<V128> args(v.instruction.operands());
        for (unsigned i = 0; i < args.size(); ++i) {
          args[i] = as_operand(v.instruction.operand(i), operand[i]);
          if (c.constants >> i & 1) operand[i] = constant;
        }
        V128 result;
        module.call(v.function, args, std::span(&result, 1));
        checker.compare(v, result, operand[0], operand[1], operand[2]);
      }
    }
  }
}

constexpr std::uint32_t kMemoryBytes = 65536;

Opcode load_of(ValType type) {
  return type == kV128        ? Opcode::v128_load
         : type == wasm::kI32 ? Opcode::i32_load
         : type == wasm::kI64 ? Opcode::i64_load
         : type == wasm::kF32 ? Opcode::f32_load
                              : Opcode::f64_load;
}
unsigned bytes_of(ValType type) {
  return type == kV128 ? 16 : type == wasm::kI32 || type == wasm::kF32 ? 4 : 8;
}

// An operand comes from the last valid bytes of memory, behind which nothing is mapped: an instruction that
// read more than the load does would fault. One byte further the load must trap, whatever the instruction
// would have read.
TEST(Simd, OperandsAtTheEndOfMemory) {
  CompiledModule module;
  struct Case {
    Variant variant;
    unsigned loaded;
  };
  std::vector<Case> cases;
  for (Variant v : variants()) {
    for (unsigned loaded = 0; loaded < v.instruction.operands(); ++loaded) {
      Code body;
      std::vector<ValType> params = v.instruction.operand_types();
      for (unsigned i = 0; i < params.size(); ++i) {
        body.get(i);
        if (i == loaded) body.access(load_of(params[i]));
      }
      params[loaded] = wasm::kI32;
      v.instruction.write(body, v.lane);
      v.function = module.add({params, {v.instruction.result()}, {}, body});
      cases.push_back({v, loaded});
    }
  }
  ASSERT_TRUE(module.start());
  const std::vector<V128> values = samples();
  Checker checker;
  for (const Case& c : cases) {
    const Variant& v = c.variant;
    const unsigned bytes = bytes_of(v.instruction.operand(c.loaded));
    for (std::size_t x = 0; x < values.size(); x += 2) {
      const V128 operand[] = {values[x], values[(x + 5) % values.size()], values[(x + 17) % values.size()]};
      std::vector<V128> args(v.instruction.operands());
      for (unsigned i = 0; i < args.size(); ++i) args[i] = as_operand(v.instruction.operand(i), operand[i]);
      std::memcpy(module.memory() + kMemoryBytes - bytes, operand[c.loaded].bytes.data(), bytes);
      args[c.loaded] = V128::of(kMemoryBytes - bytes, 0);
      V128 result;
      const wasm::Outcome outcome = module.call(v.function, args, std::span(&result, 1));
      ASSERT_EQ(outcome.kind, wasm::Outcome::Kind::returned) << v.instruction.name();
      checker.compare(v, result, operand[0], operand[1], operand[2]);
      if (x != 0) continue;
      args[c.loaded] = V128::of(kMemoryBytes - bytes + 1, 0);
      EXPECT_EQ(module.call(v.function, args, std::span(&result, 1)).kind, wasm::Outcome::Kind::trapped)
          << v.instruction.name();
    }
  }
}

TEST(Simd, AllShiftCounts) {
  CompiledModule module;
  struct Case {
    Variant variant;
    std::int32_t count;
  };
  std::vector<Case> cases;
  for (Variant v : variants()) {
    if (v.instruction.form() != VectorForm::shift) continue;
    for (std::int32_t count = -2; count <= 130; ++count) {
      Code body;
      body.get(0).i32(count);
      v.instruction.write(body, 0);
      v.function = module.add({{kV128}, {kV128}, {}, body});
      cases.push_back({v, count});
    }
    Code body;
    body.get(0).get(1);
    v.instruction.write(body, 0);
    v.function = module.add({{kV128, wasm::kI32}, {kV128}, {}, body});
    cases.push_back({v, 1000});
  }
  ASSERT_TRUE(module.start());
  Checker checker;
  const auto count_of = [](std::int64_t count) { return V128::of(static_cast<std::uint32_t>(count), 0); };
  for (const Case& c : cases) {
    for (const V128& value : samples()) {
      if (c.count != 1000) {
        checker.compare(c.variant, module.call(c.variant.function, {value}), value, count_of(c.count), {});
        continue;
      }
      for (std::int32_t count = -2; count <= 130; ++count)
        checker.compare(c.variant, module.call(c.variant.function, {value, count_of(count)}), value,
                        count_of(count), {});
    }
  }
}

}  // namespace
}  // namespace nebulet::test
