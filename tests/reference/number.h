// SPDX-License-Identifier: MIT
// Numbers as bits, and the operations that scalars and lanes share (spec 4.3).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace nebulet::reference {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
T from_bits(std::uint64_t bits) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::bit_cast<T>(static_cast<BitsOf<T>>(bits));
  } else {
    return static_cast<T>(bits);
  }
}

template <class T>
std::uint64_t to_bits(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::bit_cast<BitsOf<T>>(value);
  } else {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
}

/// Any NaN becomes the positive canonical one.
template <class F>
F canonical(F value) {
  return value != value ? std::bit_cast<F>(sizeof(F) == 4 ? static_cast<BitsOf<F>>(0x7fc00000)
                                                          : static_cast<BitsOf<F>>(0x7ff8000000000000))
                        : value;
}

/// ceil, floor, trunc, nearest, sqrt.
template <class F>
F float_unary(unsigned op, F a) {
  const F result = op == 0   ? std::ceil(a)
                   : op == 1 ? std::floor(a)
                   : op == 2 ? std::trunc(a)
                   : op == 3 ? std::nearbyint(a)
                             : std::sqrt(a);
  return canonical(result);
}

/// add, sub, mul, div, min, max.
template <class F>
F float_binary(unsigned op, F a, F b) {
  switch (op) {
    case 0: return canonical(a + b);
    case 1: return canonical(a - b);
    case 2: return canonical(a * b);
    case 3: return canonical(a / b);
    default: break;
  }
  if (a != a || b != b) return canonical(std::numeric_limits<F>::quiet_NaN());
  if (a == b) return (op == 4) == std::signbit(a) ? a : b;  // -0 is below +0
  return (op == 4) == (a < b) ? a : b;
}

/// Whether the value rounded to zero is an I. The bounds are powers of two, hence exact.
template <class I, class F>
bool in_range(F value) {
  const F above = std::ldexp(F{1}, std::numeric_limits<I>::digits);
  const F whole = std::trunc(value);
  return whole < above && (std::is_signed_v<I> ? whole >= -above : whole >= F{0});
}

template <class I, class F>
I saturated(F value) {
  if (value != value) return 0;
  if (in_range<I>(value)) return static_cast<I>(value);
  return value < F{0} ? std::numeric_limits<I>::min() : std::numeric_limits<I>::max();
}

}  // namespace nebulet::reference
