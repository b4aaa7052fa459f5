// SPDX-License-Identifier: MIT
// Every floating-point operation and conversion, executed on boundary values, with NaN rules of spec 4.3.3.
#include <bit>
#include <cmath>
#include <limits>

#include "wasm/x64/execute_test.h"

namespace nebulet::wasm::x64::test {
namespace {

using ir::Trap;

template <class F>
using Bits = std::conditional_t<sizeof(F) == 4, std::uint32_t, std::uint64_t>;
template <class F>
Bits<F> bits(F f) {
  return std::bit_cast<Bits<F>>(f);
}
template <class F>
constexpr Type kType = sizeof(F) == 4 ? Type::f32 : Type::f64;

template <class F>
std::vector<F> boundary_values() {
  using L = std::numeric_limits<F>;
  std::vector<F> values;
  for (double v : {0.0,
                   0.25,
                   0.5,
                   0.75,
                   1.0,
                   1.5,
                   2.0,
                   2.5,
                   3.5,
                   1e10,
                   8388607.5,
                   4503599627370495.5,
                   2147483647.0,
                   2147483648.0,
                   2147483646.9,
                   2147483647.9,
                   2147483648.5,
                   2147483649.0,
                   4294967295.0,
                   4294967295.9,
                   4294967296.0,
                   9223372036854774784.0,
                   9223372036854775808.0,
                   18446744073709549568.0,
                   18446744073709551616.0,
                   0.9999999,
                   0.99999999999999}) {
    values.push_back(static_cast<F>(v));
    values.push_back(static_cast<F>(-v));
  }
  for (F v : {L::min(), L::denorm_min(), L::max(), L::infinity(), L::quiet_NaN(), L::signaling_NaN(),
              std::bit_cast<F>(static_cast<Bits<F>>(bits(L::quiet_NaN()) | 0x1234)),
              std::nextafter(F(2147483648.0), F(0)), std::nextafter(F(9223372036854775808.0), F(0)),
              std::nextafter(F(18446744073709551616.0), F(0)), std::nextafter(F(4294967296.0), F(0))}) {
    values.push_back(v);
    values.push_back(std::bit_cast<F>(static_cast<Bits<F>>(bits(v) ^ bits(F(-0.0)))));
  }
  return values;
}

template <class F>
bool is_canonical(F f) {
  return (bits(f) & ~bits(F(-0.0))) == bits(std::numeric_limits<F>::quiet_NaN());
}
template <class F>
bool is_quiet(F f) {
  const Bits<F> quiet = bits(std::numeric_limits<F>::quiet_NaN());
  return (bits(f) & quiet) == quiet;
}

/// Whether `got` is what the spec allows where plain arithmetic gives `expected`.
template <class F>
bool allowed(F expected, F got, std::initializer_list<F> inputs) {
  if (!std::isnan(expected)) return bits(expected) == bits(got);
  if (!std::isnan(got) || !is_quiet(got)) return false;
  bool canonical = true;
  for (F f : inputs) canonical = canonical && (!std::isnan(f) || is_canonical(f));
  return !canonical || is_canonical(got);
}

template <class F>
F reference(Op op, F a, F b) {
  const F nan = std::numeric_limits<F>::quiet_NaN();
  switch (op) {
    case Op::fadd: return a + b;
    case Op::fsub: return a - b;
    case Op::fmul: return a * b;
    case Op::fdiv: return a / b;
    case Op::fmin:
      if (std::isnan(a) || std::isnan(b)) return nan;
      if (a == 0 && b == 0) return std::signbit(a) ? a : b;
      return a < b ? a : b;
    case Op::fmax:
      if (std::isnan(a) || std::isnan(b)) return nan;
      if (a == 0 && b == 0) return std::signbit(a) ? b : a;
      return a > b ? a : b;
    case Op::fsqrt: return std::sqrt(a);
    case Op::fceil: return std::ceil(a);
    case Op::ffloor: return std::floor(a);
    case Op::ftrunc: return std::trunc(a);
    case Op::fnearest: return std::nearbyint(a);
    default: ADD_FAILURE(); return 0;
  }
}

bool compares(Op op, auto a, auto b) {
  switch (op) {
    case Op::feq: return a == b;
    case Op::fne: return a != b;
    case Op::flt: return a < b;
    case Op::fgt: return a > b;
    case Op::fle: return a <= b;
    default: return a >= b;
  }
}

template <class F>
F result(const Outcome& outcome) {
  return std::bit_cast<F>(static_cast<Bits<F>>(outcome.vec));
}

template <class F>
void test_arithmetic() {
  const Type type = kType<F>;
  const std::vector<F> values = boundary_values<F>();
  for (Op op : {Op::fadd, Op::fsub, Op::fmul, Op::fdiv, Op::fmin, Op::fmax, Op::fsqrt, Op::fceil, Op::ffloor,
                Op::ftrunc, Op::fnearest}) {
    const bool unary = ir::info(op).operands == 1;
    Program program;
    auto make = [&](Builder& b, Value x, Value y) {
      b.ret(type, b.emit({.op = op, .type = type, .a = x, .b = unary ? Value() : y}));
    };
    std::vector<std::uint32_t> functions = {
        program.add({type, type}, [&](Builder& b) { make(b, b.param(0), b.param(1)); }),
        program.add({type, type}, [&](Builder& b) { make(b, b.load(type, 64), b.param(1)); })};
    if (!unary)
      functions.push_back(
          program.add({type, type}, [&](Builder& b) { make(b, b.param(0), b.load(type, 128)); }));
    std::vector<std::uint32_t> constants;
    for (F v : values)
      constants.push_back(
          program.add({type, type}, [&](Builder& b) { make(b, b.param(0), b.constant(type, bits(v))); }));
    program.finish();
    for (F x : values) {
      for (std::size_t j = 0; j < values.size(); ++j) {
        const F y = values[j], expected = reference(op, x, y);
        program.poke(64, x);
        program.poke(128, y);
        for (std::size_t k = 0; k <= functions.size(); ++k) {
          const std::uint32_t f = k < functions.size() ? functions[k] : constants[j];
          const F got = result<F>(program.run(f, bits(x), bits(y)));
          ASSERT_TRUE(unary ? allowed(expected, got, {x}) : allowed(expected, got, {x, y}))
              << ir::info(op).name << " " << x << ", " << y << ": " << got << " instead of " << expected
              << "\n"
              << program.dump(f);
        }
        if (unary) break;
      }
    }
  }
}

TEST(Floats, Arithmetic) {
  test_arithmetic<float>();
  test_arithmetic<double>();
}

template <class F>
void test_bits() {
  const Type type = kType<F>;
  const Type integer = sizeof(F) == 4 ? Type::i32 : Type::i64;
  Program program;
  const auto neg = program.add(
      {type}, [&](Builder& b) { b.ret(type, b.emit({.op = Op::fneg, .type = type, .a = b.param(0)})); });
  const auto abs = program.add(
      {type}, [&](Builder& b) { b.ret(type, b.emit({.op = Op::fabs, .type = type, .a = b.param(0)})); });
  const auto copysign = program.add({type, type}, [&](Builder& b) {
    b.ret(type, b.emit({.op = Op::fcopysign, .type = type, .a = b.param(0), .b = b.param(1)}));
  });
  const auto to_int = program.add({type}, [&](Builder& b) {
    b.ret(integer, b.emit({.op = Op::reinterpret, .type = integer, .a = b.param(0)}));
  });
  const auto from_int = program.add({integer}, [&](Builder& b) {
    b.ret(type, b.emit({.op = Op::reinterpret, .type = type, .a = b.param(0)}));
  });
  const auto store = program.add({type}, [&](Builder& b) {
    b.emit({.op = Op::store, .type = type, .a = b.constant(Type::i32, 8), .b = b.param(0)});
    b.ret(type, b.param(0));
  });
  program.finish();
  const Bits<F> sign = bits(F(-0.0));
  for (F x : boundary_values<F>()) {
    EXPECT_EQ(bits(result<F>(program.run(neg, bits(x)))), bits(x) ^ sign);
    EXPECT_EQ(bits(result<F>(program.run(abs, bits(x)))), bits(x) & ~sign);
    EXPECT_EQ(program.run(to_int, bits(x)).gpr, bits(x));
    EXPECT_EQ(bits(result<F>(program.run(from_int, bits(x)))), bits(x));
    program.run(store, bits(x));
    EXPECT_EQ(program.peek<Bits<F>>(8), bits(x));
    for (F y : boundary_values<F>())
      EXPECT_EQ(bits(result<F>(program.run(copysign, bits(x), bits(y)))),
                (bits(x) & ~sign) | (bits(y) & sign));
  }
}

TEST(Floats, BitOperations) {
  test_bits<float>();
  test_bits<double>();
}

template <class F>
void test_compare() {
  const Type type = kType<F>;
  for (Op op : {Op::feq, Op::fne, Op::flt, Op::fgt, Op::fle, Op::fge}) {
    for (bool inverted : {false, true}) {
      Program program;
      auto test = [&](Builder& b) {
        const Value v = b.emit({.op = op, .type = Type::i32, .a = b.param(0), .b = b.param(1)});
        return inverted ? b.emit({.op = Op::eqz, .type = Type::i32, .a = v}) : v;
      };
      const auto value = program.add({type, type}, [&](Builder& b) { b.ret(Type::i32, test(b)); });
      const auto branch = program.add({type, type}, [&](Builder& b) {
        const Value v = test(b);
        b.f.edges.push_back({ir::Block(0), ir::Block(1)});
        b.f.edges.push_back({ir::Block(0), ir::Block(2)});
        b.emit({.op = Op::br_if, .a = v, .imm = 0});
        b.begin({});
        b.ret(Type::i32, b.constant(Type::i32, 1));
        b.f.results.clear();
        b.begin({});
        b.ret(Type::i32, b.constant(Type::i32, 0));
      });
      const auto choose_int = program.add({type, type}, [&](Builder& b) {
        const Value v = test(b);
        b.ret(Type::i32, b.emit({.op = Op::select,
                                 .type = Type::i32,
                                 .a = b.constant(Type::i32, 7),
                                 .b = b.constant(Type::i32, 9),
                                 .c = v}));
      });
      const auto choose = program.add({type, type}, [&](Builder& b) {
        const Value v = test(b);
        b.ret(type, b.emit({.op = Op::select, .type = type, .a = b.param(0), .b = b.param(1), .c = v}));
      });
      program.finish();
      for (F x : boundary_values<F>()) {
        for (F y : boundary_values<F>()) {
          const bool expected = compares(op, x, y) != inverted;
          ASSERT_EQ(program.run(value, bits(x), bits(y)).gpr, expected)
              << ir::info(op).name << x << y << program.dump(value);
          ASSERT_EQ(program.run(branch, bits(x), bits(y)).gpr, expected)
              << ir::info(op).name << x << y << program.dump(branch);
          ASSERT_EQ(program.run(choose_int, bits(x), bits(y)).gpr, expected ? 7u : 9u)
              << ir::info(op).name << program.dump(choose_int);
          ASSERT_EQ(bits(result<F>(program.run(choose, bits(x), bits(y)))), bits(expected ? x : y))
              << ir::info(op).name << program.dump(choose);
        }
      }
    }
  }
}

TEST(Floats, Comparisons) {
  test_compare<float>();
  test_compare<double>();
}

template <class I>
struct Truncated {
  std::optional<Trap> trap;
  I value = 0, saturated = 0;
};
template <class I, class F>
Truncated<I> truncate(F f) {
  using L = std::numeric_limits<I>;
  if (std::isnan(f)) return {Trap::invalid_conversion_to_integer, 0, 0};
  const F t = std::trunc(f), limit = std::ldexp(F(1), L::digits);
  if (t >= limit) return {Trap::integer_overflow, 0, L::max()};
  if (std::is_signed_v<I> ? t < -limit : t < 0) return {Trap::integer_overflow, 0, L::min()};
  return {{}, static_cast<I>(t), static_cast<I>(t)};
}

template <class I, class F>
void test_conversion() {
  const bool is_signed = std::is_signed_v<I>;
  const Type type = kType<F>, integer = sizeof(I) == 4 ? Type::i32 : Type::i64;
  using U = std::make_unsigned_t<I>;
  Program program;
  auto add = [&](Op op, Type from, Type to) {
    return program.add({from},
                       [&](Builder& b) { b.ret(to, b.emit({.op = op, .type = to, .a = b.param(0)})); });
  };
  const auto trunc = add(is_signed ? Op::trunc_s : Op::trunc_u, type, integer);
  const auto saturate = add(is_signed ? Op::trunc_sat_s : Op::trunc_sat_u, type, integer);
  const auto convert = add(is_signed ? Op::convert_s : Op::convert_u, integer, type);
  program.finish();
  for (F x : boundary_values<F>()) {
    const Truncated<I> expected = truncate<I>(x);
    const Outcome got = program.run(trunc, bits(x));
    EXPECT_EQ(got.trap, expected.trap) << x;
    if (!expected.trap) EXPECT_EQ(got.gpr, static_cast<U>(expected.value)) << x;
    EXPECT_EQ(program.run(saturate, bits(x)).gpr, static_cast<U>(expected.saturated)) << x;
  }
  for (unsigned shift = 0; shift < sizeof(I) * 8; ++shift) {
    for (std::uint64_t base : {0x0ull, 0x1ull, 0x3ull, 0x1000001ull, 0x1000003ull, 0x20000000000001ull,
                               0x20000000000003ull, 0x8000008000000001ull, 0x8000008000000000ull,
                               0x8000000000000400ull, 0x8000000000000401ull, 0xffffffffffffffffull}) {
      const U x = static_cast<U>(base << shift);
      EXPECT_EQ(bits(result<F>(program.run(convert, x))), bits(static_cast<F>(static_cast<I>(x)))) << x;
    }
  }
}

TEST(Floats, ConversionsToAndFromIntegers) {
  test_conversion<std::int32_t, float>();
  test_conversion<std::int32_t, double>();
  test_conversion<std::uint32_t, float>();
  test_conversion<std::uint32_t, double>();
  test_conversion<std::int64_t, float>();
  test_conversion<std::int64_t, double>();
  test_conversion<std::uint64_t, float>();
  test_conversion<std::uint64_t, double>();
}

TEST(Floats, PromoteAndDemoteQuietNaN) {
  Program program;
  const auto promote = program.add({Type::f32}, [](Builder& b) {
    b.ret(Type::f64, b.emit({.op = Op::promote, .type = Type::f64, .a = b.param(0)}));
  });
  const auto demote = program.add({Type::f64}, [](Builder& b) {
    b.ret(Type::f32, b.emit({.op = Op::demote, .type = Type::f32, .a = b.param(0)}));
  });
  program.finish();
  for (float x : boundary_values<float>()) {
    const double got = result<double>(program.run(promote, bits(x)));
    if (std::isnan(x))
      EXPECT_TRUE(std::isnan(got) && is_quiet(got) && (!is_canonical(x) || is_canonical(got)));
    else
      EXPECT_EQ(bits(got), bits(static_cast<double>(x)));
  }
  for (double x : boundary_values<double>()) {
    const float got = result<float>(program.run(demote, bits(x)));
    if (std::isnan(x))
      EXPECT_TRUE(std::isnan(got) && is_quiet(got) && (!is_canonical(x) || is_canonical(got)));
    else
      EXPECT_EQ(bits(got), bits(static_cast<float>(x)));
  }
}

}  // namespace
}  // namespace nebulet::wasm::x64::test
