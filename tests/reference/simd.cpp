// SPDX-License-Identifier: MIT
// Vector instructions that do not touch memory (spec 4.3.6; numbers of 5.4.9). Relaxed instructions take the
// first of the results that their rules allow, which for all but the dot products and fused operations is
// that of the strict instruction.
#include <array>
#include <cstdlib>
#include <cstring>

#include "tests/reference/number.h"
#include "tests/reference/store.h"

namespace nebulet::reference {
namespace {

using i8 = std::int8_t;
using u8 = std::uint8_t;
using i16 = std::int16_t;
using u16 = std::uint16_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;
using u64 = std::uint64_t;
using f32 = float;
using f64 = double;

template <class T>
using Lanes = std::array<T, 16 / sizeof(T)>;
template <class T>
constexpr std::size_t kLanes = 16 / sizeof(T);

template <class T>
Lanes<T> lanes(const Value& value) {
  Lanes<T> result;
  std::memcpy(&result, &value, 16);
  return result;
}
template <class T>
Value value_of(const Lanes<T>& of) {
  Value result;
  std::memcpy(&result, &of, 16);
  return result;
}

template <class T>
T clamp(i64 value) {
  if (value < std::numeric_limits<T>::min()) return std::numeric_limits<T>::min();
  if (value > std::numeric_limits<T>::max()) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

class Vector {
 public:
  explicit Vector(std::vector<Value>& stack) : stack_(stack) {}

  Value pop() {
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }
  void push(const Value& value) { stack_.push_back(value); }
  void push_number(u64 value) { stack_.push_back({value, 0}); }

  template <class T, class F>
  void unary(F&& f) {
    Lanes<T> a = lanes<T>(pop());
    for (T& lane : a) lane = static_cast<T>(f(lane));
    push(value_of<T>(a));
  }
  template <class T, class F>
  void binary(F&& f) {
    const Lanes<T> b = lanes<T>(pop());
    Lanes<T> a = lanes<T>(pop());
    for (std::size_t i = 0; i < kLanes<T>; ++i) a[i] = static_cast<T>(f(a[i], b[i]));
    push(value_of<T>(a));
  }
  template <class T, class F>
  void ternary(F&& f) {
    const Lanes<T> c = lanes<T>(pop()), b = lanes<T>(pop());
    Lanes<T> a = lanes<T>(pop());
    for (std::size_t i = 0; i < kLanes<T>; ++i) a[i] = static_cast<T>(f(a[i], b[i], c[i]));
    push(value_of<T>(a));
  }
  template <class T, class F>
  void compare(F&& f) {
    using U = std::conditional_t<sizeof(T) == 1, u8, std::conditional_t<sizeof(T) == 2, u16, BitsOf<T>>>;
    const Lanes<T> b = lanes<T>(pop()), a = lanes<T>(pop());
    Lanes<U> result;
    for (std::size_t i = 0; i < kLanes<T>; ++i) result[i] = f(a[i], b[i]) ? static_cast<U>(~U{0}) : U{0};
    push(value_of<U>(result));
  }
  /// eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u
  template <class S, class U>
  void compare_integers(u32 op) {
    switch (op) {
      case 0: return compare<S>([](S a, S b) { return a == b; });
      case 1: return compare<S>([](S a, S b) { return a != b; });
      case 2: return compare<S>([](S a, S b) { return a < b; });
      case 3: return compare<U>([](U a, U b) { return a < b; });
      case 4: return compare<S>([](S a, S b) { return a > b; });
      case 5: return compare<U>([](U a, U b) { return a > b; });
      case 6: return compare<S>([](S a, S b) { return a <= b; });
      case 7: return compare<U>([](U a, U b) { return a <= b; });
      case 8: return compare<S>([](S a, S b) { return a >= b; });
      default: return compare<U>([](U a, U b) { return a >= b; });
    }
  }
  template <class F>
  void compare_floats(u32 op) {
    switch (op) {
      case 0: return compare<F>([](F a, F b) { return a == b; });
      case 1: return compare<F>([](F a, F b) { return a != b; });
      case 2: return compare<F>([](F a, F b) { return a < b; });
      case 3: return compare<F>([](F a, F b) { return a > b; });
      case 4: return compare<F>([](F a, F b) { return a <= b; });
      default: return compare<F>([](F a, F b) { return a >= b; });
    }
  }
  template <class T>
  void splat() {
    Lanes<T> result;
    result.fill(static_cast<T>(pop().low));
    push(value_of<T>(result));
  }
  template <class T>
  void extract(u32 lane) {
    const T value = lanes<T>(pop())[lane % kLanes<T>];
    push_number(sizeof(T) == 8 ? static_cast<u64>(value) : static_cast<u32>(value));
  }
  template <class T>
  void replace(u32 lane) {
    const auto value = static_cast<T>(pop().low);
    Lanes<T> a = lanes<T>(pop());
    a[lane % kLanes<T>] = value;
    push(value_of<T>(a));
  }
  template <class T>
  void all_true() {
    bool all = true;
    for (const T lane : lanes<T>(pop())) all = all && lane != 0;
    push_number(all);
  }
  template <class S>
  void bitmask() {
    u32 mask = 0, bit = 0;
    for (const S lane : lanes<S>(pop())) mask |= static_cast<u32>(lane < 0) << bit++;
    push_number(mask);
  }
  /// shl shr_s shr_u
  template <class S, class U>
  void shift(u32 op) {
    const u32 n = static_cast<u32>(pop().low) % (sizeof(S) * 8);
    if (op == 0) return unary<U>([n](U a) { return static_cast<U>(static_cast<u64>(a) << n); });
    if (op == 1) return unary<S>([n](S a) { return a >> n; });
    unary<U>([n](U a) { return a >> n; });
  }
  template <class From, class To>
  void narrow() {
    const Lanes<From> b = lanes<From>(pop()), a = lanes<From>(pop());
    Lanes<To> result;
    for (std::size_t i = 0; i < kLanes<From>; ++i) {
      result[i] = clamp<To>(a[i]);
      result[i + kLanes<From>] = clamp<To>(b[i]);
    }
    push(value_of<To>(result));
  }
  template <class From, class To>
  void extend(bool high) {
    const Lanes<From> a = lanes<From>(pop());
    Lanes<To> result;
    for (std::size_t i = 0; i < kLanes<To>; ++i) result[i] = static_cast<To>(a[i + (high ? kLanes<To> : 0)]);
    push(value_of<To>(result));
  }
  /// low_s high_s low_u high_u
  template <class S, class U, class WideS, class WideU>
  void extend_any(u32 op) {
    if (op < 2) return extend<S, WideS>(op == 1);
    extend<U, WideU>(op == 3);
  }
  template <class From, class To>
  void extmul(bool high) {
    extend<From, To>(high);
    const Lanes<To> b = lanes<To>(pop());
    extend<From, To>(high);
    Lanes<To> a = lanes<To>(pop());
    using Wide = std::conditional_t<std::is_signed_v<To>, i64, u64>;
    for (std::size_t i = 0; i < kLanes<To>; ++i)
      a[i] = static_cast<To>(static_cast<Wide>(a[i]) * static_cast<Wide>(b[i]));
    push(value_of<To>(a));
  }
  template <class S, class U, class WideS, class WideU>
  void extmul_any(u32 op) {
    if (op < 2) return extmul<S, WideS>(op == 1);
    extmul<U, WideU>(op == 3);
  }
  template <class From, class To>
  void extadd_pairwise() {
    const Lanes<From> a = lanes<From>(pop());
    Lanes<To> result;
    for (std::size_t i = 0; i < kLanes<To>; ++i)
      result[i] = static_cast<To>(static_cast<To>(a[2 * i]) + static_cast<To>(a[2 * i + 1]));
    push(value_of<To>(result));
  }
  /// abs neg sqrt add sub mul div min max pmin pmax, from the number of abs; 2 is unused.
  template <class F>
  void floats(u32 op) {
    using U = BitsOf<F>;
    constexpr U sign = U{1} << (sizeof(U) * 8 - 1);
    switch (op) {
      case 0: return unary<U>([](U a) { return a & ~sign; });
      case 1: return unary<U>([](U a) { return a ^ sign; });
      case 3: return unary<F>([](F a) { return float_unary<F>(4, a); });
      case 10: return binary<F>([](F a, F b) { return b < a ? b : a; });
      case 11: return binary<F>([](F a, F b) { return a < b ? b : a; });
      default: return binary<F>([op](F a, F b) { return float_binary<F>(op - 4, a, b); });
    }
  }
  template <class F>
  void round(u32 op) {
    unary<F>([op](F a) { return float_unary<F>(op, a); });
  }
  template <class I, class F>
  void truncate() {
    const Lanes<F> a = lanes<F>(pop());
    Lanes<I> result{};
    for (std::size_t i = 0; i < kLanes<F>; ++i) result[i] = saturated<I>(a[i]);
    push(value_of<I>(result));
  }
  template <class I, class F>
  void convert() {
    const Lanes<I> a = lanes<I>(pop());
    Lanes<F> result;
    for (std::size_t i = 0; i < kLanes<F>; ++i) result[i] = static_cast<F>(a[i]);
    push(value_of<F>(result));
  }
  template <class F>
  void multiply_add(bool negative) {
    ternary<F>([negative](F a, F b, F c) { return canonical(std::fma(negative ? -a : a, b, c)); });
  }
  template <class U>
  void lane_select() {
    ternary<U>([](U a, U b, U mask) { return (a & mask) | (b & ~mask); });
  }

  void swizzle() {
    const Lanes<u8> s = lanes<u8>(pop()), a = lanes<u8>(pop());
    Lanes<u8> result;
    for (std::size_t i = 0; i < 16; ++i) result[i] = s[i] < 16 ? a[s[i]] : 0;
    push(value_of<u8>(result));
  }
  void shuffle(const Instr& instr) {
    const Lanes<u8> s = lanes<u8>({instr.imm, instr.imm2});
    const Lanes<u8> b = lanes<u8>(pop()), a = lanes<u8>(pop());
    Lanes<u8> result;
    for (std::size_t i = 0; i < 16; ++i) result[i] = s[i] < 16 ? a[s[i]] : b[s[i] & 15];
    push(value_of<u8>(result));
  }
  void dot() {
    const Lanes<i16> b = lanes<i16>(pop()), a = lanes<i16>(pop());
    Lanes<i32> result;
    for (std::size_t i = 0; i < 4; ++i)
      result[i] = static_cast<i32>(i64{a[2 * i]} * b[2 * i] + i64{a[2 * i + 1]} * b[2 * i + 1]);
    push(value_of<i32>(result));
  }
  /// Products of signed bytes and (as x86 does with the second operand's seven bits) signed bytes, added in
  /// pairs.
  void relaxed_dot(bool add) {
    const Lanes<i32> c = add ? lanes<i32>(pop()) : Lanes<i32>{};
    const Lanes<i8> b = lanes<i8>(pop()), a = lanes<i8>(pop());
    Lanes<i16> pairs;
    for (std::size_t i = 0; i < 8; ++i)
      pairs[i] = clamp<i16>(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]);
    if (!add) return push(value_of<i16>(pairs));
    Lanes<i32> result;
    for (std::size_t i = 0; i < 4; ++i)
      result[i] = static_cast<i32>(i64{pairs[2 * i]} + pairs[2 * i + 1] + c[i]);
    push(value_of<i32>(result));
  }

  /// The instructions on integers that exist for several shapes, by their place in the group that starts at
  /// abs.
  template <class S, class U>
  bool integers(u32 op) {
    switch (op) {
      case 0: return unary<U>([](U a) { return static_cast<S>(a) < 0 ? U{0} - a : a; }), true;
      case 1: return unary<U>([](U a) { return U{0} - a; }), true;
      case 3: return all_true<S>(), true;
      case 4: return bitmask<S>(), true;
      case 11:
      case 12:
      case 13: return shift<S, U>(op - 11), true;
      case 14: return binary<U>([](U a, U b) { return u64{a} + b; }), true;
      case 17: return binary<U>([](U a, U b) { return u64{a} - b; }), true;
      case 21: return binary<U>([](U a, U b) { return u64{a} * b; }), true;
      default: return false;
    }
  }
  template <class S, class U>
  void saturating(u32 op) {
    switch (op) {
      case 0: return binary<S>([](S a, S b) { return clamp<S>(i64{a} + b); });
      case 1: return binary<U>([](U a, U b) { return clamp<U>(i64{a} + b); });
      case 3: return binary<S>([](S a, S b) { return clamp<S>(i64{a} - b); });
      default: return binary<U>([](U a, U b) { return clamp<U>(i64{a} - b); });
    }
  }
  template <class S, class U>
  void min_max(u32 op) {
    switch (op) {
      case 0: return binary<S>([](S a, S b) { return a < b ? a : b; });
      case 1: return binary<U>([](U a, U b) { return a < b ? a : b; });
      case 2: return binary<S>([](S a, S b) { return a > b ? a : b; });
      default: return binary<U>([](U a, U b) { return a > b ? a : b; });
    }
  }

  void run(const Instr& instr);

 private:
  void run_relaxed(u32 number);
  std::vector<Value>& stack_;
};

void Vector::run_relaxed(u32 number) {
  switch (number) {
    case 0x100: return swizzle();
    case 0x101: return truncate<i32, f32>();
    case 0x102: return truncate<u32, f32>();
    case 0x103: return truncate<i32, f64>();
    case 0x104: return truncate<u32, f64>();
    case 0x105:
    case 0x106: return multiply_add<f32>(number == 0x106);
    case 0x107:
    case 0x108: return multiply_add<f64>(number == 0x108);
    case 0x109: return lane_select<u8>();
    case 0x10a: return lane_select<u16>();
    case 0x10b: return lane_select<u32>();
    case 0x10c: return lane_select<u64>();
    case 0x10d:
    case 0x10e: return floats<f32>(number - 0x10d + 8);
    case 0x10f:
    case 0x110: return floats<f64>(number - 0x10f + 8);
    case 0x111: return binary<i16>([](i16 a, i16 b) { return clamp<i16>((i64{a} * b + 0x4000) >> 15); });
    case 0x112: return relaxed_dot(false);
    default: return relaxed_dot(true);
  }
}

void Vector::run(const Instr& instr) {
  const u32 n = instr.op & 0xfff;
  if (n >= 0x100) return run_relaxed(n);
  if (n >= 35 && n < 45) return compare_integers<i8, u8>(n - 35);
  if (n >= 45 && n < 55) return compare_integers<i16, u16>(n - 45);
  if (n >= 55 && n < 65) return compare_integers<i32, u32>(n - 55);
  if (n >= 65 && n < 71) return compare_floats<f32>(n - 65);
  if (n >= 71 && n < 77) return compare_floats<f64>(n - 71);
  if (n >= 103 && n <= 106) return round<f32>(n - 103);
  if (n >= 118 && n <= 121) return min_max<i8, u8>(n - 118);
  if (n >= 150 && n <= 153) return min_max<i16, u16>(n - 150);
  if (n >= 182 && n <= 185) return min_max<i32, u32>(n - 182);
  if (n >= 111 && n <= 115 && n != 113) return saturating<i8, u8>(n - 111);
  if (n >= 143 && n <= 147 && n != 145) return saturating<i16, u16>(n - 143);
  if (n >= 135 && n <= 138) return extend_any<i8, u8, i16, u16>(n - 135);
  if (n >= 167 && n <= 170) return extend_any<i16, u16, i32, u32>(n - 167);
  if (n >= 199 && n <= 202) return extend_any<i32, u32, i64, u64>(n - 199);
  if (n >= 156 && n <= 159) return extmul_any<i8, u8, i16, u16>(n - 156);
  if (n >= 188 && n <= 191) return extmul_any<i16, u16, i32, u32>(n - 188);
  if (n >= 220 && n <= 223) return extmul_any<i32, u32, i64, u64>(n - 220);
  if (n >= 224 && n <= 235) return floats<f32>(n - 224);
  if (n >= 236 && n <= 247) return floats<f64>(n - 236);
  switch (n) {
    case 12: return push({instr.imm, instr.imm2});
    case 13: return shuffle(instr);
    case 14: return swizzle();
    case 15: return splat<u8>();
    case 16: return splat<u16>();
    case 17:
    case 19: return splat<u32>();
    case 18:
    case 20: return splat<u64>();
    case 21: return extract<i8>(instr.b);
    case 22: return extract<u8>(instr.b);
    case 23: return replace<u8>(instr.b);
    case 24: return extract<i16>(instr.b);
    case 25: return extract<u16>(instr.b);
    case 26: return replace<u16>(instr.b);
    case 27:
    case 31: return extract<u32>(instr.b);
    case 28:
    case 32: return replace<u32>(instr.b);
    case 29:
    case 33: return extract<u64>(instr.b);
    case 30:
    case 34: return replace<u64>(instr.b);
    case 77: return unary<u64>([](u64 a) { return ~a; });
    case 78: return binary<u64>([](u64 a, u64 b) { return a & b; });
    case 79: return binary<u64>([](u64 a, u64 b) { return a & ~b; });
    case 80: return binary<u64>([](u64 a, u64 b) { return a | b; });
    case 81: return binary<u64>([](u64 a, u64 b) { return a ^ b; });
    case 82: return lane_select<u64>();
    case 83: {
      const Value a = pop();
      return push_number((a.low | a.high) != 0);
    }
    case 94: {
      const Lanes<f64> a = lanes<f64>(pop());
      return push(
          value_of<f32>({canonical(static_cast<f32>(a[0])), canonical(static_cast<f32>(a[1])), 0, 0}));
    }
    case 95: {
      const Lanes<f32> a = lanes<f32>(pop());
      return push(value_of<f64>({canonical(static_cast<f64>(a[0])), canonical(static_cast<f64>(a[1]))}));
    }
    case 98: return unary<u8>([](u8 a) { return std::popcount(a); });
    case 101: return narrow<i16, i8>();
    case 102: return narrow<i16, u8>();
    case 133: return narrow<i32, i16>();
    case 134: return narrow<i32, u16>();
    case 116:
    case 117: return round<f64>(n - 116);
    case 122: return round<f64>(2);
    case 148: return round<f64>(3);
    case 123: return binary<u8>([](u8 a, u8 b) { return (a + b + 1) / 2; });
    case 155: return binary<u16>([](u16 a, u16 b) { return (a + b + 1) / 2; });
    case 124: return extadd_pairwise<i8, i16>();
    case 125: return extadd_pairwise<u8, u16>();
    case 126: return extadd_pairwise<i16, i32>();
    case 127: return extadd_pairwise<u16, u32>();
    case 130: return run_relaxed(0x111);
    case 186: return dot();
    case 214:
    case 215: return compare_integers<i64, u64>(n - 214);
    case 216:
    case 217:
    case 218:
    case 219: return compare_integers<i64, u64>((n - 216) * 2 + 2);
    case 248: return truncate<i32, f32>();
    case 249: return truncate<u32, f32>();
    case 250: return convert<i32, f32>();
    case 251: return convert<u32, f32>();
    case 252: return truncate<i32, f64>();
    case 253: return truncate<u32, f64>();
    case 254: return convert<i32, f64>();
    case 255: return convert<u32, f64>();
    default: break;
  }
  const bool known = n < 128   ? integers<i8, u8>(n - 96)
                     : n < 160 ? integers<i16, u16>(n - 128)
                     : n < 192 ? integers<i32, u32>(n - 160)
                               : integers<i64, u64>(n - 192);
  if (!known) std::abort();  // no such instruction: the module was not validated
}

}  // namespace

void vector_instruction(const Instr& instr, std::vector<Value>& stack) { Vector(stack).run(instr); }

}  // namespace nebulet::reference
