// SPDX-License-Identifier: MIT
#include "wasm/opt/fold.h"

#include <bit>
#include <concepts>
#include <limits>

namespace nebulet::wasm::opt {
namespace {

using ir::Op;
using ir::Type;

/// Integer operations at one width. U is the unsigned type of the operands.
template <std::unsigned_integral U>
std::optional<std::uint64_t> fold_integer(Op op, U a, U b) {
  using S = std::make_signed_t<U>;
  constexpr int kBits = std::numeric_limits<U>::digits;
  const S sa = static_cast<S>(a), sb = static_cast<S>(b);
  const int shift = static_cast<int>(b & (kBits - 1));
  const bool overflow = sa == std::numeric_limits<S>::min() && sb == -1;
  switch (op) {
    case Op::add: return static_cast<U>(a + b);
    case Op::sub: return static_cast<U>(a - b);
    case Op::mul: return static_cast<U>(a * b);
    case Op::div_s:
      if (b == 0 || overflow) return std::nullopt;
      return static_cast<U>(sa / sb);
    case Op::div_u:
      if (b == 0) return std::nullopt;
      return static_cast<U>(a / b);
    case Op::rem_s:
      if (b == 0) return std::nullopt;
      return overflow ? 0 : static_cast<U>(sa % sb);
    case Op::rem_u:
      if (b == 0) return std::nullopt;
      return static_cast<U>(a % b);
    case Op::and_: return a & b;
    case Op::or_: return a | b;
    case Op::xor_: return a ^ b;
    case Op::shl: return static_cast<U>(a << shift);
    case Op::shr_s: return static_cast<U>(sa >> shift);
    case Op::shr_u: return a >> shift;
    case Op::rotl: return std::rotl(a, shift);
    case Op::rotr: return std::rotr(a, shift);
    case Op::clz: return static_cast<U>(std::countl_zero(a));
    case Op::ctz: return static_cast<U>(std::countr_zero(a));
    case Op::popcnt: return static_cast<U>(std::popcount(a));
    case Op::extend8_s: return static_cast<U>(static_cast<S>(static_cast<std::int8_t>(a)));
    case Op::extend16_s: return static_cast<U>(static_cast<S>(static_cast<std::int16_t>(a)));
    case Op::extend32_s: return static_cast<U>(static_cast<S>(static_cast<std::int32_t>(a)));
    case Op::eqz: return a == 0;
    case Op::eq: return a == b;
    case Op::ne: return a != b;
    case Op::lt_s: return sa < sb;
    case Op::lt_u: return a < b;
    case Op::gt_s: return sa > sb;
    case Op::gt_u: return a > b;
    case Op::le_s: return sa <= sb;
    case Op::le_u: return a <= b;
    case Op::ge_s: return sa >= sb;
    case Op::ge_u: return a >= b;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> fold(Op op, Type result, Type operand, std::uint64_t a, std::uint64_t b) {
  switch (op) {
    case Op::wrap: return static_cast<std::uint32_t>(a);
    case Op::extend_u: return static_cast<std::uint32_t>(a);
    case Op::extend_s:
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(a)));
    case Op::reinterpret:
      return result == Type::i32 || result == Type::f32 ? static_cast<std::uint32_t>(a) : a;
    default: break;
  }
  if (operand == Type::i32)
    return fold_integer(op, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
  if (operand == Type::i64) return fold_integer(op, a, b);
  return std::nullopt;
}

}  // namespace nebulet::wasm::opt
