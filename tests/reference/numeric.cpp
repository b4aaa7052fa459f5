// SPDX-License-Identifier: MIT
// Scalar numeric instructions (spec 4.3).
#include <bit>
#include <cmath>
#include <limits>

#include "tests/reference/number.h"
#include "tests/reference/store.h"

namespace nebulet::reference {
namespace {

class Stack {
 public:
  explicit Stack(std::vector<Value>& values) : values_(values) {}
  template <class T>
  T pop() {
    const std::uint64_t bits = values_.back().low;
    values_.pop_back();
    return from_bits<T>(bits);
  }
  template <class T>
  void push(T value) {
    values_.push_back({to_bits(value), 0});
  }

 private:
  std::vector<Value>& values_;
};

template <class T>
T shifted(std::uint32_t op, T a, T b) {
  constexpr int bits = sizeof(T) * 8;
  const int n = static_cast<int>(b % bits);
  switch (op) {
    case 0: return a << n;
    case 1: return static_cast<T>(static_cast<std::make_signed_t<T>>(a) >> n);
    case 2: return a >> n;
    case 3: return std::rotl(a, n);
    default: return std::rotr(a, n);
  }
}

/// Comparisons of integers in the order of the opcodes behind eqz.
template <class U>
void compare(std::uint32_t op, Stack& stack) {
  using S = std::make_signed_t<U>;
  const U b = stack.pop<U>(), a = stack.pop<U>();
  const S sb = static_cast<S>(b), sa = static_cast<S>(a);
  const bool results[] = {a == b, a != b, sa<sb, a<b, sa> sb, a> b, sa <= sb, a <= b, sa >= sb, a >= b};
  stack.push<std::uint32_t>(results[op]);
}

template <class F>
void compare_floats(std::uint32_t op, Stack& stack) {
  const F b = stack.pop<F>(), a = stack.pop<F>();
  const bool results[] = {a == b, a != b, a<b, a> b, a <= b, a >= b};
  stack.push<std::uint32_t>(results[op]);
}

/// clz … rotr.
template <class U>
const char* integer(std::uint32_t op, Stack& stack) {
  using S = std::make_signed_t<U>;
  if (op < 3) {
    const U a = stack.pop<U>();
    stack.push(static_cast<U>(op == 0   ? std::countl_zero(a)
                              : op == 1 ? std::countr_zero(a)
                                        : std::popcount(a)));
    return nullptr;
  }
  const U b = stack.pop<U>(), a = stack.pop<U>();
  const S sb = static_cast<S>(b), sa = static_cast<S>(a);
  if (op >= 6 && op <= 9 && b == 0) return "integer divide by zero";
  const bool overflows = sa == std::numeric_limits<S>::min() && sb == -1;
  switch (op) {
    case 3: stack.push<U>(a + b); break;
    case 4: stack.push<U>(a - b); break;
    case 5: stack.push<U>(a * b); break;
    case 6:
      if (overflows) return "integer overflow";
      stack.push<U>(static_cast<U>(sa / sb));
      break;
    case 7: stack.push<U>(a / b); break;
    case 8: stack.push<U>(overflows ? U{0} : static_cast<U>(sa % sb)); break;
    case 9: stack.push<U>(a % b); break;
    case 10: stack.push<U>(a & b); break;
    case 11: stack.push<U>(a | b); break;
    case 12: stack.push<U>(a ^ b); break;
    default: stack.push<U>(shifted<U>(op - 13, a, b));
  }
  return nullptr;
}

/// abs … copysign.
template <class F>
void floating(std::uint32_t op, Stack& stack) {
  using U = BitsOf<F>;
  constexpr U sign = U{1} << (sizeof(U) * 8 - 1);
  if (op < 2) {
    const U a = stack.pop<U>();
    stack.push<U>(op == 0 ? a & ~sign : a ^ sign);
  } else if (op == 13) {
    const U b = stack.pop<U>(), a = stack.pop<U>();
    stack.push<U>((a & ~sign) | (b & sign));
  } else if (op < 7) {
    stack.push<F>(float_unary<F>(op - 2, stack.pop<F>()));
  } else {
    const F b = stack.pop<F>(), a = stack.pop<F>();
    stack.push<F>(float_binary<F>(op - 7, a, b));
  }
}

template <class I, class F>
const char* truncate(Stack& stack) {
  const F value = stack.pop<F>();
  if (value != value) return "invalid conversion to integer";
  if (!in_range<I>(value)) return "integer overflow";
  stack.push(static_cast<std::make_unsigned_t<I>>(static_cast<I>(value)));
  return nullptr;
}

template <class I, class F>
void truncate_saturated(Stack& stack) {
  stack.push(static_cast<std::make_unsigned_t<I>>(saturated<I>(stack.pop<F>())));
}

const char* wide(std::uint32_t op, Stack& stack) {
  using U = unsigned __int128;
  auto push = [&](U value) {
    stack.push(static_cast<std::uint64_t>(value));
    stack.push(static_cast<std::uint64_t>(value >> 64));
  };
  if (op >= 21) {
    const auto b = stack.pop<std::uint64_t>(), a = stack.pop<std::uint64_t>();
    push(op == 21 ? static_cast<U>(static_cast<__int128>(static_cast<std::int64_t>(a)) *
                                   static_cast<std::int64_t>(b))
                  : U{a} * b);
    return nullptr;
  }
  const auto b_high = stack.pop<std::uint64_t>(), b_low = stack.pop<std::uint64_t>();
  const auto a_high = stack.pop<std::uint64_t>(), a_low = stack.pop<std::uint64_t>();
  const U a = U{a_high} << 64 | a_low, b = U{b_high} << 64 | b_low;
  push(op == 19 ? a + b : a - b);
  return nullptr;
}

}  // namespace

bool is_numeric(std::uint32_t op) {
  return (op >= 0x45 && op <= 0xc4) || (op >= 0xfc000 && op <= 0xfc007) || (op >= 0xfc013 && op <= 0xfc016);
}

const char* numeric(std::uint32_t op, std::vector<Value>& values) {
  Stack stack(values);
  using std::int32_t, std::int64_t, std::uint32_t, std::uint64_t;
  if (op == 0x45) return stack.push<uint32_t>(stack.pop<uint32_t>() == 0), nullptr;
  if (op == 0x50) return stack.push<uint32_t>(stack.pop<uint64_t>() == 0), nullptr;
  if (op < 0x50) return compare<uint32_t>(op - 0x46, stack), nullptr;
  if (op < 0x5b) return compare<uint64_t>(op - 0x51, stack), nullptr;
  if (op < 0x61) return compare_floats<float>(op - 0x5b, stack), nullptr;
  if (op < 0x67) return compare_floats<double>(op - 0x61, stack), nullptr;
  if (op < 0x79) return integer<uint32_t>(op - 0x67, stack);
  if (op < 0x8b) return integer<uint64_t>(op - 0x79, stack);
  if (op < 0x99) return floating<float>(op - 0x8b, stack), nullptr;
  if (op < 0xa7) return floating<double>(op - 0x99, stack), nullptr;
  switch (op) {
    case 0xa7: stack.push(static_cast<uint32_t>(stack.pop<uint64_t>())); break;
    case 0xa8: return truncate<int32_t, float>(stack);
    case 0xa9: return truncate<uint32_t, float>(stack);
    case 0xaa: return truncate<int32_t, double>(stack);
    case 0xab: return truncate<uint32_t, double>(stack);
    case 0xac: stack.push(static_cast<uint64_t>(int64_t{static_cast<int32_t>(stack.pop<uint32_t>())})); break;
    case 0xad: stack.push<uint64_t>(stack.pop<uint32_t>()); break;
    case 0xae: return truncate<int64_t, float>(stack);
    case 0xaf: return truncate<uint64_t, float>(stack);
    case 0xb0: return truncate<int64_t, double>(stack);
    case 0xb1: return truncate<uint64_t, double>(stack);
    case 0xb2: stack.push(static_cast<float>(static_cast<int32_t>(stack.pop<uint32_t>()))); break;
    case 0xb3: stack.push(static_cast<float>(stack.pop<uint32_t>())); break;
    case 0xb4: stack.push(static_cast<float>(static_cast<int64_t>(stack.pop<uint64_t>()))); break;
    case 0xb5: stack.push(static_cast<float>(stack.pop<uint64_t>())); break;
    case 0xb6: stack.push(canonical(static_cast<float>(stack.pop<double>()))); break;
    case 0xb7: stack.push(static_cast<double>(static_cast<int32_t>(stack.pop<uint32_t>()))); break;
    case 0xb8: stack.push(static_cast<double>(stack.pop<uint32_t>())); break;
    case 0xb9: stack.push(static_cast<double>(static_cast<int64_t>(stack.pop<uint64_t>()))); break;
    case 0xba: stack.push(static_cast<double>(stack.pop<uint64_t>())); break;
    case 0xbb: stack.push(canonical(static_cast<double>(stack.pop<float>()))); break;
    case 0xbc:
    case 0xbd:
    case 0xbe:
    case 0xbf: break;  // reinterpretations: the bits are the value
    case 0xc0:
      stack.push(static_cast<uint32_t>(int32_t{static_cast<std::int8_t>(stack.pop<uint32_t>())}));
      break;
    case 0xc1:
      stack.push(static_cast<uint32_t>(int32_t{static_cast<std::int16_t>(stack.pop<uint32_t>())}));
      break;
    case 0xc2:
      stack.push(static_cast<uint64_t>(int64_t{static_cast<std::int8_t>(stack.pop<uint64_t>())}));
      break;
    case 0xc3:
      stack.push(static_cast<uint64_t>(int64_t{static_cast<std::int16_t>(stack.pop<uint64_t>())}));
      break;
    case 0xc4: stack.push(static_cast<uint64_t>(int64_t{static_cast<int32_t>(stack.pop<uint64_t>())})); break;
    case 0xfc000: truncate_saturated<int32_t, float>(stack); break;
    case 0xfc001: truncate_saturated<uint32_t, float>(stack); break;
    case 0xfc002: truncate_saturated<int32_t, double>(stack); break;
    case 0xfc003: truncate_saturated<uint32_t, double>(stack); break;
    case 0xfc004: truncate_saturated<int64_t, float>(stack); break;
    case 0xfc005: truncate_saturated<uint64_t, float>(stack); break;
    case 0xfc006: truncate_saturated<int64_t, double>(stack); break;
    case 0xfc007: truncate_saturated<uint64_t, double>(stack); break;
    default: return wide(op & 0xfff, stack);
  }
  return nullptr;
}

}  // namespace nebulet::reference
