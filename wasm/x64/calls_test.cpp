// SPDX-License-Identifier: MIT
// Calls with arguments and results on the stack, indirect calls, jump tables, globals, large frames and large
// offsets, executed.
#include <algorithm>
#include <bit>

#include "wasm/x64/execute_test.h"

namespace nebulet::wasm::x64::test {
namespace {

using ir::Trap;

constexpr Type kTypes[] = {Type::i32, Type::f64, Type::i64, Type::f32};

/// `n` types, all of `only` or of all types in turn.
std::vector<Type> types(unsigned n, Type only = Type::none) {
  std::vector<Type> list;
  for (unsigned i = 0; i < n; ++i) list.push_back(only == Type::none ? kTypes[i % 4] : only);
  return list;
}

/// Turns a value into an i64 that tells which it is.
Value to_i64(Builder& b, Type type, Value v) {
  if (type == Type::i64) return v;
  if (type == Type::i32) return b.emit({.op = Op::extend_u, .type = Type::i64, .a = v});
  return b.emit({.op = Op::trunc_sat_s, .type = Type::i64, .a = v});
}
Value from_i64(Builder& b, Type type, Value v) {
  if (type == Type::i64) return v;
  if (type == Type::i32) return b.emit({.op = Op::wrap, .type = Type::i32, .a = v});
  return b.emit({.op = Op::convert_s, .type = type, .a = v});
}
/// sum of value i * (i + 1)
Value weighted_sum(Builder& b, const std::vector<Type>& list, const std::vector<Value>& values) {
  Value sum = b.constant(Type::i64, 0);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value weight = b.constant(Type::i64, i + 1);
    const Value product =
        b.emit({.op = Op::mul, .type = Type::i64, .a = to_i64(b, list[i], values[i]), .b = weight});
    sum = b.emit({.op = Op::add, .type = Type::i64, .a = sum, .b = product});
  }
  return sum;
}
std::uint64_t expected_sum(unsigned n, std::uint64_t first) {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < n; ++i) sum += (first + i) * (i + 1);
  return sum;
}

class Signatures : public testing::TestWithParam<std::vector<Type>> {};

/// The callee gives back its arguments, in the same places and order; the caller weighs both what it passed
/// and what it got, so that a value in a wrong place, or one that the call destroyed, changes the sum.
TEST_P(Signatures, ArgumentsAndResultsArriveInOrder) {
  const std::vector<Type>& list = GetParam();
  const auto n = static_cast<unsigned>(list.size());
  Program program;
  const std::uint32_t identity = program.add(list, [&](Builder& b) {
    std::vector<Value> params;
    for (unsigned i = 0; i < n; ++i) params.push_back(b.param(i));
    b.ret(list, params);
  });
  const std::uint32_t sum = program.add(list, [&](Builder& b) {
    std::vector<Value> params;
    for (unsigned i = 0; i < n; ++i) params.push_back(b.param(i));
    b.ret(Type::i64, weighted_sum(b, list, params));
  });
  auto arguments = [&](Builder& b) {
    std::vector<Value> args;
    for (unsigned i = 0; i < n; ++i) {
      const Value offset = b.constant(Type::i64, i);
      args.push_back(
          from_i64(b, list[i], b.emit({.op = Op::add, .type = Type::i64, .a = b.param(0), .b = offset})));
    }
    return args;
  };
  const std::uint32_t passes = program.add({Type::i64}, [&](Builder& b) {
    const std::vector<Value> args = arguments(b);
    b.ret(Type::i64, b.call(sum, args, {Type::i64})[0]);
  });
  const std::uint32_t returns = program.add({Type::i64}, [&](Builder& b) {
    const std::vector<Value> args = arguments(b);
    const std::vector<Value> results = b.call(identity, args, list);
    const Value got = weighted_sum(b, list, results), kept = weighted_sum(b, list, args);
    // Twice what was passed if everything is right.
    b.ret(Type::i64, b.emit({.op = Op::add, .type = Type::i64, .a = got, .b = kept}));
  });
  program.finish();
  for (std::uint64_t first : {1u, 1000u}) {
    EXPECT_EQ(program.run(passes, first).gpr, expected_sum(n, first));
    EXPECT_EQ(program.run(returns, first).gpr, 2 * expected_sum(n, first)) << program.dump(identity);
  }
}
INSTANTIATE_TEST_SUITE_P(Calls, Signatures,
                         testing::Values(types(1), types(8, Type::i32), types(9, Type::i32),
                                         types(12, Type::i64), types(9, Type::f64), types(11, Type::f32),
                                         types(20), types(37), types(200)));

TEST(Calls, ConstantsGoToTheStackDirectly) {
  Program program;
  const std::vector<Type> list = types(24);
  const std::uint32_t sum = program.add(list, [&](Builder& b) {
    std::vector<Value> params;
    for (unsigned i = 0; i < list.size(); ++i) params.push_back(b.param(i));
    b.ret(Type::i64, weighted_sum(b, list, params));
  });
  const std::uint32_t caller = program.add({}, [&](Builder& b) {
    std::vector<Value> args;
    for (unsigned i = 0; i < list.size(); ++i)
      args.push_back(b.constant(list[i], list[i] == Type::f64 ? std::bit_cast<std::uint64_t>(7.0 + i)
                                         : list[i] == Type::f32
                                             ? std::bit_cast<std::uint32_t>(7.0f + static_cast<float>(i))
                                             : 7 + i));
    b.ret(Type::i64, b.call(sum, args, {Type::i64})[0]);
  });
  program.finish();
  EXPECT_EQ(program.run(caller, 0).gpr, expected_sum(24, 7));
}

TEST(Calls, RecursionKeepsEveryFrame) {
  Program program;
  // f(n) = n == 0 ? 0 : f(n - 1) + n
  const std::uint32_t f = program.add({Type::i64}, [&](Builder& b) {
    const Value n = b.param(0);
    const std::uint32_t more = b.edge(1);
    b.edge(2);
    const Value zero = b.constant(Type::i64, 0);
    b.emit({.op = Op::br_if, .a = b.emit({.op = Op::ne, .type = Type::i32, .a = n, .b = zero}), .imm = more});
    b.begin({});
    const Value one = b.constant(Type::i64, 1);
    const Value rest =
        b.call(0, {b.emit({.op = Op::sub, .type = Type::i64, .a = n, .b = one})}, {Type::i64})[0];
    b.ret(Type::i64, b.emit({.op = Op::add, .type = Type::i64, .a = rest, .b = n}));
    b.begin({});
    b.ret(Type::i64, zero);
  });
  program.finish();
  EXPECT_EQ(program.run(f, 1000).gpr, 500500u);
}

TEST(Calls, IndirectCallsCheckIndexAndSignature) {
  Program program;
  program.module().tables.push_back({});
  const std::uint32_t negate = program.add({Type::i64}, [](Builder& b) {
    b.ret(Type::i64,
          b.emit({.op = Op::sub, .type = Type::i64, .a = b.constant(Type::i64, 0), .b = b.param(0)}));
  });
  const std::uint32_t twice = program.add({Type::i64}, [](Builder& b) {
    b.ret(Type::i64, b.emit({.op = Op::add, .type = Type::i64, .a = b.param(0), .b = b.param(0)}));
  });
  const std::uint32_t type = program.module().functions[twice].type;
  const std::uint32_t caller = program.add({Type::i32, Type::i64}, [&](Builder& b) {
    const Value element = b.param(0), x = b.param(1);
    const Value result = b.call(type, {x}, {Type::i64}, element)[0];
    b.ret(Type::i64, b.emit({.op = Op::add, .type = Type::i64, .a = result, .b = x}));
  });
  program.finish();
  constexpr std::uint32_t kSignature = 77, kSize = 4;
  struct {
    TableHeader header;
    FuncSlot slots[kSize];
  } table = {};
  table.header.size = kSize;
  auto entry = [&](std::uint32_t f) {
    return reinterpret_cast<std::uint64_t>(program.code() + program.object.functions[f].begin);
  };
  table.slots[0] = {.code = entry(negate), .signature = kSignature};
  table.slots[1] = {.code = entry(twice), .signature = kSignature};
  table.slots[2] = {.code = entry(twice), .signature = kSignature + 1};
  const FuncSlot* first = table.slots;
  std::memcpy(program.context + program.layout().table(0), &first, sizeof first);
  std::memcpy(program.context + program.layout().signature(type), &kSignature, sizeof kSignature);
  EXPECT_EQ(program.run(caller, 0, 9).gpr, 0u);
  EXPECT_EQ(program.run(caller, 1, 9).gpr, 27u);
  EXPECT_EQ(program.run(caller, 2, 9).trap, Trap::indirect_call_type_mismatch);
  EXPECT_EQ(program.run(caller, 3, 9).trap, Trap::indirect_call_type_mismatch);
  EXPECT_EQ(program.run(caller, 4, 9).trap, Trap::undefined_element);
  EXPECT_EQ(program.run(caller, 0xffffffff, 9).trap, Trap::undefined_element);
}

class Tables : public testing::TestWithParam<unsigned> {};

TEST_P(Tables, EveryIndexFindsItsBlock) {
  const unsigned n = GetParam();
  Program program;
  const std::uint32_t f = program.add({Type::i32}, [&](Builder& b) {
    std::uint32_t first = 0;
    for (unsigned i = 0; i < n; ++i) {
      // Every third entry goes to the first block.
      const std::uint32_t edge = b.edge(i % 3 == 2 ? 1 : i + 1);
      if (i == 0) first = edge;
    }
    b.emit({.op = Op::br_table, .a = b.param(0), .count = n, .imm = first});
    for (unsigned i = 0; i < n; ++i) {
      b.begin({});
      b.ret(Type::i64, b.constant(Type::i64, 1000 + i));
    }
  });
  program.finish();
  auto answer = [](unsigned i) { return i % 3 == 2 ? 1000u : 1000u + i; };
  for (unsigned i = 0; i < n; ++i) EXPECT_EQ(program.run(f, i).gpr, answer(i));
  for (std::uint32_t i : {n, n + 1, 0x7fffffffu, 0x80000000u, 0xffffffffu})
    EXPECT_EQ(program.run(f, i).gpr, answer(n - 1));
}
INSTANTIATE_TEST_SUITE_P(Calls, Tables, testing::Values(1u, 2u, 3u, 7u, 300u));

/// A loop around a jump table, as an interpreter has: every way back to it ends in its own indirect jump.
TEST(Loops, AJumpTableInALoopIsCopiedToItsPredecessors) {
  Program program;
  // state = 0..3: acc = acc * (state + 2) + 1; next state = table[state]; 4 ends after `limit` steps
  const std::uint32_t f = program.add({Type::i32}, [](Builder& b) {
    const Value zero = b.constant(Type::i32, 0), acc0 = b.constant(Type::i64, 1);
    b.jump(1, {zero, acc0, b.param(0)});
    const auto loop = b.begin_with({Type::i32, Type::i64, Type::i32});
    const Value state = loop[0], acc = loop[1], left = loop[2];
    const std::uint32_t first = b.edge(2);
    for (std::uint32_t to = 3; to <= 6; ++to) b.edge(to);
    b.emit({.op = Op::br_table, .a = state, .count = 5, .imm = first});
    for (std::uint32_t i = 0; i < 4; ++i) {
      b.begin({});
      const Value factor = b.constant(Type::i64, i + 2);
      const Value product = b.emit({.op = Op::mul, .type = Type::i64, .a = acc, .b = factor});
      const Value next_acc =
          b.emit({.op = Op::add, .type = Type::i64, .a = product, .b = b.constant(Type::i64, 1)});
      const Value less =
          b.emit({.op = Op::add, .type = Type::i32, .a = left, .b = b.constant(Type::i32, 0xffffffff)});
      const Value end = b.constant(Type::i32, 4), go_on = b.constant(Type::i32, (i * 3 + 1) % 4);
      const Value next = b.emit({.op = Op::select, .type = Type::i32, .a = go_on, .b = end, .c = less});
      b.jump(1, {next, next_acc, less});
    }
    b.begin({});
    b.ret(Type::i64, acc);
  });
  program.finish();
  EXPECT_GE(program.object.jump_tables.size(), 4u);
  for (unsigned limit : {1u, 2u, 5u, 40u}) {
    std::uint64_t acc = 1;
    unsigned state = 0;
    for (unsigned left = limit; left != 0; --left) acc = acc * (state + 2) + 1, state = (state * 3 + 1) % 4;
    EXPECT_EQ(program.run(f, limit).gpr, acc);
  }
}

/// A loop that counts to 0 branches on the flags of its sum.
TEST(Branches, AJumpToAReturnIsAReturn) {
  Program program;
  const auto choose = program.add({Type::i32}, [](Builder& b) {
    const std::uint32_t taken = b.edge(1);
    b.edge(2);
    b.emit({.op = Op::br_if, .a = b.param(0), .imm = taken});
    b.begin({});
    b.jump(3, {b.constant(Type::i32, 7)});
    b.begin({});
    b.jump(3, {b.constant(Type::i32, 9)});
    b.ret(Type::i32, b.begin_with({Type::i32})[0]);
  });
  program.finish();
  EXPECT_EQ(program.run(choose, 1).gpr, 7u);
  EXPECT_EQ(program.run(choose, 0).gpr, 9u);
  const auto [begin, end] =
      std::pair(program.object.functions[choose].begin, program.object.functions[choose].end);
  EXPECT_EQ(
      std::count(program.object.text.begin() + begin, program.object.text.begin() + end, std::byte{0xc3}), 2)
      << program.dump(choose);
}

TEST(Loops, ACountTo0NeedsNoComparison) {
  for (Type type : {Type::i32, Type::i64}) {
    for (std::uint64_t step : {std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1000}}) {
      Program program;
      // The count itself is used behind the sum in one function, so that the sum needs another register.
      for (bool used : {false, true}) {
        const std::uint32_t f = program.add({type}, [&](Builder& b) {
          b.jump(1, {b.param(0), b.constant(Type::i64, 0)});
          const auto loop = b.begin_with({type, Type::i64});
          const Value next = b.emit({.op = Op::add, .type = type, .a = loop[0], .b = b.constant(type, step)});
          const Value more = used ? to_i64(b, type, loop[0]) : b.constant(Type::i64, 1);
          const Value sum = b.emit({.op = Op::add, .type = Type::i64, .a = loop[1], .b = more});
          const std::uint32_t back = b.edge(1, {next, sum});
          b.edge(2);
          const Value zero = b.constant(type, 0);
          b.emit({.op = Op::br_if,
                  .a = b.emit({.op = Op::ne, .type = Type::i32, .a = next, .b = zero}),
                  .imm = back});
          b.begin({});
          b.ret(Type::i64, sum);
        });
        EXPECT_EQ(f, used ? 1u : 0u);
      }
      program.finish();
      const std::uint64_t mask = type == Type::i32 ? 0xffffffff : ~0ull;
      const std::uint64_t start = (0 - step * 7) & mask;
      std::uint64_t sum = 0;
      for (unsigned i = 0; i < 7; ++i) sum += (start + i * step) & mask;
      EXPECT_EQ(program.run(0, start).gpr, 7u);
      EXPECT_EQ(program.run(1, start).gpr, sum);
    }
  }
}

TEST(Globals, AreReadAndWrittenInPlaceAndThroughTheirPointer) {
  for (Type type : kTypes) {
    for (bool imported : {false, true}) {
      Program program;
      GlobalDecl decl;
      decl.type.type = val_type(type);
      decl.type.is_mutable = true;
      program.module().globals = {decl, decl};
      program.module().imported_globals = imported ? 2 : 0;
      // g1 = a + g0, g0 = a; returns what g1 was
      const std::uint32_t f = program.add({type}, [&](Builder& b) {
        const bool is_float = type == Type::f32 || type == Type::f64;
        const Value old = b.emit({.op = Op::global_get, .type = type, .imm = 1});
        const Value zero = b.emit({.op = Op::global_get, .type = type, .imm = 0});
        const Value sum =
            b.emit({.op = is_float ? Op::fadd : Op::add, .type = type, .a = b.param(0), .b = zero});
        b.emit({.op = Op::global_set, .type = type, .a = sum, .imm = 1});
        b.emit({.op = Op::global_set, .type = type, .a = b.param(0), .imm = 0});
        b.ret(type, old);
      });
      const std::uint32_t clear = program.add({}, [&](Builder& b) {
        b.emit({.op = Op::global_set, .type = type, .a = b.constant(type, 0), .imm = 1});
        b.ret(Type::i32, b.emit({.op = Op::eqz, .type = Type::i32, .a = b.constant(Type::i32, 0)}));
      });
      program.finish();
      auto bits = [&](double x) -> std::uint64_t {
        return type == Type::f64   ? std::bit_cast<std::uint64_t>(x)
               : type == Type::f32 ? std::bit_cast<std::uint32_t>(static_cast<float>(x))
                                   : static_cast<std::uint64_t>(x);
      };
      std::uint64_t cells[2] = {bits(5), bits(6)};
      const std::uint64_t mask = type == Type::i32 || type == Type::f32 ? 0xffffffff : ~0ull;
      auto cell = [&](std::uint32_t i) {
        return imported ? reinterpret_cast<std::byte*>(&cells[i])
                        : program.context + program.layout().global(i);
      };
      for (std::uint32_t i : {0u, 1u}) {
        const void* pointer = &cells[i];
        std::memcpy(program.context + program.layout().global(i),
                    imported ? static_cast<const void*>(&pointer) : &cells[i], 8);
      }
      auto value = [&](std::uint32_t i) {
        std::uint64_t v = 0;
        std::memcpy(&v, cell(i), 8);
        return v & mask;
      };
      const Outcome outcome = program.run(f, bits(10));
      const bool is_float = type == Type::f32 || type == Type::f64;
      EXPECT_EQ((is_float ? outcome.vec : outcome.gpr) & mask, bits(6));
      EXPECT_EQ(value(0), bits(10));
      EXPECT_EQ(value(1), bits(15));
      EXPECT_EQ(program.run(clear, 0).gpr, 1u);
      EXPECT_EQ(value(0), bits(10));
      EXPECT_EQ(value(1), 0u);
    }
  }
}

TEST(Globals, AGlobalReadOnceIsAMemoryOperandAndSeesNoLaterWrite) {
  Program program;
  GlobalDecl decl;
  decl.type.type = kI32;
  decl.type.is_mutable = true;
  program.module().globals = {decl};
  // old = g; g = a; return old < b
  const std::uint32_t f = program.add({Type::i32, Type::i32}, [&](Builder& b) {
    const Value old = b.emit({.op = Op::global_get, .type = Type::i32});
    b.emit({.op = Op::global_set, .type = Type::i32, .a = b.param(0)});
    b.ret(Type::i32, b.emit({.op = Op::lt_u, .type = Type::i32, .a = old, .b = b.param(1)}));
  });
  const std::uint32_t in_place = program.add({Type::i32}, [&](Builder& b) {
    const Value now = b.emit({.op = Op::global_get, .type = Type::i32});
    b.ret(Type::i32, b.emit({.op = Op::add, .type = Type::i32, .a = b.param(0), .b = now}));
  });
  program.finish();
  EXPECT_EQ(program.run(f, 100, 50).gpr, 1u);
  EXPECT_EQ(program.run(f, 7, 50).gpr, 0u);
  EXPECT_EQ(program.run(in_place, 3).gpr, 10u);
}

/// The slots of a call's stack map.
std::vector<std::uint32_t> mapped(const CodeObject& object, std::size_t call) {
  std::vector<std::uint32_t> slots;
  std::uint32_t map = object.calls[call].stack_map, first = map;
  if (map == kNoStackMap) return slots;
  while (!object.stack_maps[first].full) --first;
  const std::size_t end =
      map + 1 < object.stack_maps.size() ? object.stack_maps[map + 1].first : object.map_slots.size();
  for (std::size_t at = object.stack_maps[first].first; at < end; ++at) {
    const auto found = std::find(slots.begin(), slots.end(), object.map_slots[at]);
    if (found == slots.end())
      slots.push_back(object.map_slots[at]);
    else
      slots.erase(found);
  }
  return slots;
}

// Arguments and results on the stack belong to nobody while other code could collect: a caller stores
// arguments directly before its call and takes results directly behind it, a callee loads its arguments
// before it calls.
TEST(StackMaps, NameTheReferencesThatLiveAcrossACall) {
  Program program;
  const auto callee = program.add({}, [](Builder& b) { b.ret(std::vector<Type>(), {}); });
  const std::vector<Type> params(12, Type::ref);
  program.add(params, [&](Builder& b) {
    b.call(callee, {}, {});
    b.call(callee, {}, {});
    std::vector<Value> results;
    for (std::uint32_t i = 0; i < 3; ++i) results.push_back(b.param(i * 5));  // one of them came on the stack
    b.call(callee, {}, {});
    b.ret({Type::ref, Type::ref, Type::ref}, results);
  });
  const std::vector<Type> mixed = {Type::i32, Type::ref, Type::funcref, Type::i64};
  program.add(mixed, [&](Builder& b) {
    b.call(callee, {}, {});
    b.ret(mixed, {b.param(0), b.param(1), b.param(2), b.param(3)});
  });
  program.add({}, [&](Builder& b) {
    b.call(callee, {}, {});
    b.ret(std::vector<Type>(), {});
  });
  program.finish();
  ASSERT_EQ(program.object.calls.size(), 5u);
  for (std::size_t call = 0; call < 3; ++call) EXPECT_EQ(mapped(program.object, call).size(), 3u);
  EXPECT_EQ(program.object.calls[0].stack_map, program.object.calls[2].stack_map);
  EXPECT_EQ(mapped(program.object, 3).size(), 1u);
  EXPECT_EQ(program.object.calls[4].stack_map, kNoStackMap);
  for (const std::uint32_t slot : program.object.map_slots)
    EXPECT_LT(slot, program.object.functions[1].frame);
}

TEST(Frames, AFrameBeyondTheProbeStepHoldsItsValues) {
  constexpr unsigned kValues = 6000;
  Program program;
  const std::uint32_t nothing =
      program.add({}, [](Builder& b) { b.ret(Type::i64, b.constant(Type::i64, 0)); });
  const std::uint32_t f = program.add({}, [&](Builder& b) {
    std::vector<Value> values;
    for (unsigned i = 0; i < kValues; ++i) values.push_back(b.load(Type::i64, i % 500 * 8));
    b.call(nothing, {}, {Type::i64});
    Value sum = b.constant(Type::i64, 0);
    for (unsigned i = 0; i < kValues; ++i) {
      const Value rotated =
          b.emit({.op = Op::rotl, .type = Type::i64, .a = sum, .b = b.constant(Type::i64, 1)});
      sum = b.emit({.op = Op::add, .type = Type::i64, .a = rotated, .b = values[i]});
    }
    b.ret(Type::i64, sum);
  });
  program.finish();
  EXPECT_GT(program.object.functions[f].frame, kProbeStep);
  for (unsigned i = 0; i < 500; ++i) program.poke<std::uint64_t>(i * 8, i * 0x9e3779b97f4a7c15u);
  std::uint64_t expected = 0;
  for (unsigned i = 0; i < kValues; ++i) expected = std::rotl(expected, 1) + i % 500 * 0x9e3779b97f4a7c15u;
  EXPECT_EQ(program.run(f, 0).gpr, expected);
}

/// An offset is added without wrapping, however large it and the address are.
TEST(Offsets, BeyondTwoGigabytes) {
  constexpr std::uint64_t kReserved = 8ull << 30, kHigh = 0xc0000000;
  void* reserved = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(reserved, MAP_FAILED);
  Program program;
  auto load_at = [&](std::uint32_t offset) {
    return program.add({Type::i32}, [&](Builder& b) {
      b.ret(Type::i64, b.emit({.op = Op::load, .type = Type::i64, .a = b.param(0), .imm = offset}));
    });
  };
  const std::uint32_t below = load_at(0x7fffffff), at = load_at(0x80000000), above = load_at(0xfffffff0);
  const std::uint32_t store = program.add({Type::i32, Type::i64}, [&](Builder& b) {
    b.emit({.op = Op::store, .type = Type::i64, .a = b.param(0), .b = b.param(1), .imm = 0xbffffff8});
    b.ret(Type::i64, b.param(1));
  });
  program.finish();
  std::byte* own = program.memory;
  program.memory = static_cast<std::byte*>(reserved);
  for (std::uint64_t page : {std::uint64_t{0}, kHigh})
    mprotect(program.memory + page, 4096, PROT_READ | PROT_WRITE);
  const std::uint64_t low = 0x1111222233334444, high = 0x5555666677778888;
  std::memcpy(program.memory, &low, 8);
  std::memcpy(program.memory + kHigh, &high, 8);
  EXPECT_EQ(program.run(below, 0x40000001).gpr, high);
  EXPECT_EQ(program.run(at, 0x40000000).gpr, high);
  EXPECT_EQ(program.run(at, 0x80000000).trap, Trap::memory_out_of_bounds);  // 2^32, not 0
  EXPECT_EQ(program.run(at, 0xffffffff).trap, Trap::memory_out_of_bounds);
  EXPECT_EQ(program.run(above, 0x10).trap, Trap::memory_out_of_bounds);
  EXPECT_EQ(program.run(above, 0).trap, Trap::memory_out_of_bounds);  // not mapped
  EXPECT_EQ(program.run(store, 0x10, 42).gpr, 42u);
  std::uint64_t stored = 0;
  std::memcpy(&stored, program.memory + kHigh + 8, 8);
  EXPECT_EQ(stored, 42u);
  EXPECT_EQ(program.run(store, 0x40000008, 42).trap, Trap::memory_out_of_bounds);
  program.memory = own;
  munmap(reserved, kReserved);
}

}  // namespace
}  // namespace nebulet::wasm::x64::test
