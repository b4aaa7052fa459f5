// SPDX-License-Identifier: MIT
// Every integer operation, with its operands in registers, constant and in memory, executed on boundary
// values.
#include <bit>
#include <limits>

#include "wasm/x64/execute_test.h"

namespace nebulet::wasm::x64::test {
namespace {

using ir::Trap;

struct Expected {
  std::optional<Trap> trap;
  std::uint64_t value = 0;
};

template <class U>
Expected reference(Op op, U a, U b) {
  using S = std::make_signed_t<U>;
  constexpr unsigned kBits = sizeof(U) * 8;
  const S x = static_cast<S>(a), y = static_cast<S>(b);
  const unsigned n = static_cast<unsigned>(b) & (kBits - 1);
  const bool overflow = x == std::numeric_limits<S>::min() && y == -1;
  switch (op) {
    case Op::add: return {{}, static_cast<U>(a + b)};
    case Op::sub: return {{}, static_cast<U>(a - b)};
    case Op::mul: return {{}, static_cast<U>(a * b)};
    case Op::and_: return {{}, a & b};
    case Op::or_: return {{}, a | b};
    case Op::xor_: return {{}, a ^ b};
    case Op::shl: return {{}, static_cast<U>(a << n)};
    case Op::shr_u: return {{}, static_cast<U>(a >> n)};
    case Op::shr_s: return {{}, static_cast<U>(x >> n)};
    case Op::rotl: return {{}, std::rotl(a, static_cast<int>(n))};
    case Op::rotr: return {{}, std::rotr(a, static_cast<int>(n))};
    case Op::eq: return {{}, a == b};
    case Op::ne: return {{}, a != b};
    case Op::lt_s: return {{}, x < y};
    case Op::lt_u: return {{}, a < b};
    case Op::gt_s: return {{}, x > y};
    case Op::gt_u: return {{}, a > b};
    case Op::le_s: return {{}, x <= y};
    case Op::le_u: return {{}, a <= b};
    case Op::ge_s: return {{}, x >= y};
    case Op::ge_u: return {{}, a >= b};
    case Op::div_u:
      return b == 0 ? Expected{Trap::integer_divide_by_zero} : Expected{{}, static_cast<U>(a / b)};
    case Op::rem_u:
      return b == 0 ? Expected{Trap::integer_divide_by_zero} : Expected{{}, static_cast<U>(a % b)};
    case Op::div_s:
      if (b == 0) return {Trap::integer_divide_by_zero};
      if (overflow) return {Trap::integer_overflow};
      return {{}, static_cast<U>(x / y)};
    case Op::rem_s:
      if (b == 0) return {Trap::integer_divide_by_zero};
      return {{}, overflow ? U{0} : static_cast<U>(x % y)};
    case Op::clz: return {{}, static_cast<U>(std::countl_zero(a))};
    case Op::ctz: return {{}, static_cast<U>(std::countr_zero(a))};
    case Op::popcnt: return {{}, static_cast<U>(std::popcount(a))};
    case Op::extend8_s: return {{}, static_cast<U>(static_cast<S>(static_cast<std::int8_t>(a)))};
    case Op::extend16_s: return {{}, static_cast<U>(static_cast<S>(static_cast<std::int16_t>(a)))};
    case Op::eqz: return {{}, a == 0};
    default: ADD_FAILURE(); return {};
  }
}

template <class U>
std::vector<U> boundary_values() {
  std::vector<U> values;
  for (std::uint64_t v : {0ull,
                          1ull,
                          2ull,
                          3ull,
                          5ull,
                          7ull,
                          8ull,
                          9ull,
                          10ull,
                          31ull,
                          32ull,
                          33ull,
                          63ull,
                          64ull,
                          100ull,
                          127ull,
                          128ull,
                          255ull,
                          256ull,
                          641ull,
                          1000ull,
                          0x7fffull,
                          0x8000ull,
                          0xffffull,
                          0x10000ull,
                          0x12345678ull,
                          0x7ffffffeull,
                          0x7fffffffull,
                          0x80000000ull,
                          0x80000001ull,
                          0xfffffffeull,
                          0xffffffffull,
                          0x100000000ull,
                          0x123456789abcdefull,
                          0x7fffffffffffffffull,
                          0x8000000000000000ull,
                          0x8000000000000001ull}) {
    for (const U value : {static_cast<U>(v), static_cast<U>(-v)})
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

constexpr Op kBinary[] = {Op::add,   Op::sub,   Op::mul,   Op::and_, Op::or_,  Op::xor_, Op::shl,
                          Op::shr_u, Op::shr_s, Op::rotl,  Op::rotr, Op::eq,   Op::ne,   Op::lt_s,
                          Op::lt_u,  Op::gt_s,  Op::gt_u,  Op::le_s, Op::le_u, Op::ge_s, Op::ge_u,
                          Op::div_u, Op::rem_u, Op::div_s, Op::rem_s};
constexpr Op kUnary[] = {Op::clz, Op::ctz, Op::popcnt, Op::extend8_s, Op::extend16_s, Op::eqz};
bool is_compare(Op op) { return op >= Op::eqz && op <= Op::ge_u; }

void expect(const Expected& expected, const Outcome& got, const Program& program, std::uint32_t function,
            Op op, std::uint64_t a, std::uint64_t b) {
  if (expected.trap == got.trap && (expected.trap || expected.value == got.gpr)) return;
  ADD_FAILURE() << ir::info(op).name << " " << a << ", " << b << ": expected "
                << (expected.trap ? ir::trap_text(*expected.trap) : std::to_string(expected.value))
                << ", got " << (got.trap ? ir::trap_text(*got.trap) : std::to_string(got.gpr)) << "\n"
                << program.dump(function);
}

template <class U>
void test_binary(Type type) {
  const std::vector<U> values = boundary_values<U>();
  constexpr std::uint32_t kA = 64, kB = 128;
  for (Op op : kBinary) {
    const Type result = is_compare(op) ? Type::i32 : type;
    Program program;
    auto binary = [&](Builder& b, Value x, Value y) {
      b.ret(result, b.emit({.op = op, .type = result, .a = x, .b = y}));
    };
    const auto registers = program.add({type, type}, [&](Builder& b) { binary(b, b.param(0), b.param(1)); });
    const auto memory_a =
        program.add({type, type}, [&](Builder& b) { binary(b, b.load(type, kA), b.param(1)); });
    const auto memory_b =
        program.add({type, type}, [&](Builder& b) { binary(b, b.param(0), b.load(type, kB)); });
    const auto branch = program.add({type, type}, [&](Builder& b) {
      // result is used as a condition: not 0 ? 1 : 0, by branches
      Value v = b.emit({.op = op, .type = result, .a = b.param(0), .b = b.param(1)});
      if (result == Type::i64)
        v = b.emit({.op = Op::ne, .type = Type::i32, .a = v, .b = b.constant(Type::i64, 0)});
      b.f.edges.push_back({ir::Block(0), ir::Block(1)});
      b.f.edges.push_back({ir::Block(0), ir::Block(2)});
      b.emit({.op = Op::br_if, .a = v, .imm = 0});
      b.begin({});
      b.ret(Type::i32, b.constant(Type::i32, 1));
      b.f.results.clear();
      b.begin({});
      b.ret(Type::i32, b.constant(Type::i32, 0));
    });
    const auto chosen = program.add({type, type}, [&](Builder& b) {
      Value v = b.emit({.op = op, .type = result, .a = b.param(0), .b = b.param(1)});
      if (result == Type::i64) v = b.emit({.op = Op::eqz, .type = Type::i32, .a = v});
      b.ret(type, b.emit({.op = Op::select, .type = type, .a = b.param(0), .b = b.param(1), .c = v}));
    });
    std::vector<std::uint32_t> constant_a, constant_b;
    for (U value : values) {
      constant_a.push_back(
          program.add({type, type}, [&](Builder& b) { binary(b, b.constant(type, value), b.param(1)); }));
      constant_b.push_back(
          program.add({type, type}, [&](Builder& b) { binary(b, b.param(0), b.constant(type, value)); }));
    }
    program.finish();
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (std::size_t j = 0; j < values.size(); ++j) {
        const U x = values[i], y = values[j];
        program.poke(kA, x);
        program.poke(kB, y);
        const Expected expected = reference<U>(op, x, y);
        for (std::uint32_t f : {registers, memory_a, memory_b, constant_a[i], constant_b[j]})
          expect(expected, program.run(f, x, y), program, f, op, x, y);
        expect({expected.trap, expected.value != 0}, program.run(branch, x, y), program, branch, op, x, y);
        const bool first = result == Type::i64 ? expected.value == 0 : expected.value != 0;
        expect({expected.trap, first ? x : y}, program.run(chosen, x, y), program, chosen, op, x, y);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(Integers, BinaryOperationsOf32Bits) { test_binary<std::uint32_t>(Type::i32); }
TEST(Integers, BinaryOperationsOf64Bits) { test_binary<std::uint64_t>(Type::i64); }

template <class U>
void test_unary(Type type) {
  for (Op op : kUnary) {
    const Type result = op == Op::eqz ? Type::i32 : type;
    Program program;
    const auto in_register = program.add(
        {type}, [&](Builder& b) { b.ret(result, b.emit({.op = op, .type = result, .a = b.param(0)})); });
    const auto in_memory = program.add({type}, [&](Builder& b) {
      b.ret(result, b.emit({.op = op, .type = result, .a = b.load(type, 64)}));
    });
    program.finish();
    for (U x : boundary_values<U>()) {
      program.poke(64, x);
      for (std::uint32_t f : {in_register, in_memory})
        expect(reference<U>(op, x, 0), program.run(f, x), program, f, op, x, 0);
    }
  }
}

TEST(Integers, UnaryOperations) {
  test_unary<std::uint32_t>(Type::i32);
  test_unary<std::uint64_t>(Type::i64);
}

TEST(Integers, ConversionsBetweenWidths) {
  Program program;
  const auto wrap = program.add({Type::i64}, [](Builder& b) {
    b.ret(Type::i64, b.emit({.op = Op::extend_u,
                             .type = Type::i64,
                             .a = b.emit({.op = Op::wrap, .type = Type::i32, .a = b.param(0)})}));
  });
  const auto extend_s = program.add({Type::i32}, [](Builder& b) {
    b.ret(Type::i64, b.emit({.op = Op::extend_s, .type = Type::i64, .a = b.param(0)}));
  });
  const auto extend32 = program.add({Type::i64}, [](Builder& b) {
    b.ret(Type::i64, b.emit({.op = Op::extend32_s, .type = Type::i64, .a = b.param(0)}));
  });
  program.finish();
  for (std::uint64_t x : boundary_values<std::uint64_t>()) {
    EXPECT_EQ(program.run(wrap, x).gpr, x & 0xffffffff);
    EXPECT_EQ(program.run(extend_s, x & 0xffffffff).gpr,
              static_cast<std::uint64_t>(static_cast<std::int32_t>(x)));
    EXPECT_EQ(program.run(extend32, x).gpr, static_cast<std::uint64_t>(static_cast<std::int32_t>(x)));
  }
}

// i32 arithmetic in an address wraps at 2^32 before memory is reached; CVE-2023-26489 was a fold that did
// not.
TEST(Memory, FoldedAddressesWrap) {
  Program program;
  std::vector<std::uint32_t> functions;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> shape;
  for (std::uint32_t shift = 0; shift <= 3; ++shift) {
    for (std::uint32_t disp : {0u, 8u, 0x7fffffffu, 0x80000000u, 0xfffffff0u}) {
      functions.push_back(program.add({Type::i32, Type::i32}, [&](Builder& b) {
        const Value scaled =
            b.emit({.op = Op::shl, .type = Type::i32, .a = b.param(1), .b = b.constant(Type::i32, shift)});
        const Value sum = b.emit({.op = Op::add, .type = Type::i32, .a = b.param(0), .b = scaled});
        const Value address =
            b.emit({.op = Op::add, .type = Type::i32, .a = sum, .b = b.constant(Type::i32, disp)});
        b.ret(Type::i32, b.emit({.op = Op::load, .type = Type::i32, .a = address}));
      }));
      shape.push_back({shift, disp});
    }
  }
  program.finish();
  for (std::uint32_t at = 0; at < 4096; at += 4) program.poke(at, at * 3 + 1);
  for (std::size_t i = 0; i < functions.size(); ++i) {
    for (std::uint32_t index : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0x12345678u}) {
      constexpr std::uint32_t kTarget = 1024;
      const std::uint32_t base = kTarget - (index << shape[i].first) - shape[i].second;
      EXPECT_EQ(program.run(functions[i], base, index).gpr, kTarget * 3 + 1) << program.dump(functions[i]);
    }
  }
}

TEST(Memory, NarrowLoadsAndStoresAndReadModifyWrite) {
  using ir::Access;
  for (Type type : {Type::i32, Type::i64}) {
    const std::uint64_t mask = type == Type::i32 ? 0xffffffff : ~0ull;
    struct Case {
      Access access;
      unsigned bytes;
      bool is_signed;
    };
    for (const Case c :
         {Case{Access::u8, 1, false}, Case{Access::s8, 1, true}, Case{Access::u16, 2, false},
          Case{Access::s16, 2, true}, Case{Access::u32, 4, false}, Case{Access::s32, 4, true}}) {
      if (type == Type::i32 && c.bytes == 4) continue;
      Program program;
      const auto load = program.add({Type::i32}, [&](Builder& b) {
        b.ret(type, b.emit({.op = Op::load, .type = type, .access = c.access, .a = b.param(0), .imm = 8}));
      });
      const Access unsigned_access = c.bytes == 1 ? Access::u8 : c.bytes == 2 ? Access::u16 : Access::u32;
      const auto store = program.add({Type::i32, type}, [&](Builder& b) {
        b.emit({.op = Op::store,
                .type = type,
                .access = unsigned_access,
                .a = b.param(0),
                .b = b.param(1),
                .imm = 8});
        b.ret(type, b.param(1));
      });
      std::vector<std::uint32_t> updates;
      for (Op op : {Op::add, Op::sub, Op::and_, Op::or_, Op::xor_}) {
        for (bool constant : {false, true}) {
          updates.push_back(program.add({Type::i32, type}, [&](Builder& b) {
            const Value old =
                b.emit({.op = Op::load, .type = type, .access = c.access, .a = b.param(0), .imm = 8});
            const Value other = constant ? b.constant(type, 0xf5) : b.param(1);
            const Value sum = b.emit({.op = op, .type = type, .a = old, .b = other});
            b.emit({.op = Op::store,
                    .type = type,
                    .access = unsigned_access,
                    .a = b.param(0),
                    .b = sum,
                    .imm = 8});
            b.ret(type, b.param(1));
          }));
        }
      }
      program.finish();
      for (std::uint64_t x : boundary_values<std::uint64_t>()) {
        program.poke(40, x);
        const unsigned shift = 64 - c.bytes * 8;
        std::uint64_t expected =
            c.is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(x << shift) >> shift)
                        : x << shift >> shift;
        EXPECT_EQ(program.run(load, 32).gpr, expected & mask) << program.dump(load);
        program.poke(40, 0x1111111111111111ull);
        program.run(store, 32, x & mask);
        const std::uint64_t low = ~0ull >> shift;
        EXPECT_EQ(program.peek<std::uint64_t>(40), (0x1111111111111111ull & ~low) | (x & low))
            << program.dump(store);
        for (std::size_t i = 0; i < updates.size(); ++i) {
          const Op op = std::array{Op::add, Op::sub, Op::and_, Op::or_, Op::xor_}[i / 2];
          program.poke(40, x);
          program.run(updates[i], 32, 0x123456789abcdefull & mask);
          const std::uint64_t other = i % 2 ? 0xf5 : 0x123456789abcdefull;
          EXPECT_EQ(program.peek<std::uint64_t>(40),
                    (x & ~low) | (reference<std::uint64_t>(op, x, other).value & low))
              << program.dump(updates[i]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace nebulet::wasm::x64::test
