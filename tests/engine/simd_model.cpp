// SPDX-License-Identifier: MIT
#include "tests/engine/simd_model.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

namespace nebulet::test {
namespace {

using std::int64_t;
using std::uint64_t;
using Wide = __int128;

/// A name without its shape: the operation, and the shape's lane width in bytes.
struct Name {
  std::string_view op;
  unsigned width = 0;
  bool is_float = false;
  explicit Name(std::string_view name) : op(name.substr(name.find('.') + 1)) {
    is_float = name[0] == 'f';
    const std::string_view shape = name.substr(1, 2);
    width = shape == "8x" ? 1 : shape == "16" ? 2 : shape == "32" ? 4 : 8;
  }
  unsigned lanes() const { return 16 / width; }
  bool is(std::string_view text) const { return op == text; }
  bool starts(std::string_view text) const { return op.starts_with(text); }
  bool is_signed() const { return op.find("_s") != std::string_view::npos; }
};

uint64_t lane_u(const V128& v, unsigned width, unsigned lane) {
  uint64_t value = 0;
  std::memcpy(&value, v.bytes.data() + lane * width, width);
  return value;
}
int64_t extend(uint64_t value, unsigned width) {
  const unsigned shift = 64 - width * 8;
  return static_cast<int64_t>(value << shift) >> shift;
}
int64_t lane_s(const V128& v, unsigned width, unsigned lane) { return extend(lane_u(v, width, lane), width); }
void put(V128& v, unsigned width, unsigned lane, uint64_t value) {
  std::memcpy(v.bytes.data() + lane * width, &value, width);
}
Wide clamp(Wide value, Wide low, Wide high) { return value < low ? low : value > high ? high : value; }
Wide max_s(unsigned width) { return (Wide{1} << (width * 8 - 1)) - 1; }
Wide max_u(unsigned width) { return (Wide{1} << width * 8) - 1; }

std::optional<bool> comparison(std::string_view op, Wide a, Wide b) {
  if (op == "eq") return a == b;
  if (op == "ne") return a != b;
  if (op.starts_with("lt")) return a < b;
  if (op.starts_with("gt")) return a > b;
  if (op.starts_with("le")) return a <= b;
  if (op.starts_with("ge")) return a >= b;
  return std::nullopt;
}

uint64_t integer_lane(const Name& n, uint64_t ua, uint64_t ub, unsigned count) {
  const unsigned w = n.width, bits = w * 8;
  const int64_t sa = extend(ua, w), sb = extend(ub, w);
  const bool is_unsigned = n.op.ends_with("_u");
  const Wide a = is_unsigned ? Wide{ua} : Wide{sa}, b = is_unsigned ? Wide{ub} : Wide{sb};
  if (n.is("abs")) return sa < 0 ? 0 - ua : ua;
  if (n.is("neg")) return 0 - ua;
  if (n.is("popcnt")) return static_cast<unsigned>(std::popcount(ua));
  if (n.is("add")) return ua + ub;
  if (n.is("sub")) return ua - ub;
  if (n.is("mul")) return ua * ub;
  if (n.starts("add_sat"))
    return static_cast<uint64_t>(is_unsigned ? clamp(a + b, 0, max_u(w))
                                             : clamp(a + b, -max_s(w) - 1, max_s(w)));
  if (n.starts("sub_sat"))
    return static_cast<uint64_t>(is_unsigned ? clamp(a - b, 0, max_u(w))
                                             : clamp(a - b, -max_s(w) - 1, max_s(w)));
  if (n.starts("min_")) return a < b ? ua : ub;
  if (n.starts("max_")) return a > b ? ua : ub;
  if (n.is("avgr_u")) return (ua + ub + 1) / 2;
  if (n.is("q15mulr_sat_s"))
    return static_cast<uint64_t>(clamp((a * b + 0x4000) >> 15, -max_s(w) - 1, max_s(w)));
  if (n.is("relaxed_q15mulr_s")) return static_cast<uint64_t>((a * b + 0x4000) >> 15);
  if (n.is("shl")) return ua << count % bits;
  if (n.is("shr_u")) return ua >> count % bits;
  if (n.is("shr_s")) return static_cast<uint64_t>(sa >> count % bits);
  if (const auto answer = comparison(n.op, a, b)) return *answer ? ~0ull : 0;
  std::abort();
}

template <class F, class U>
V128 float_lanes(const Name& n, const V128& va, const V128& vb, const V128& vc, bool& nan_any) {
  V128 r;
  nan_any = true;
  for (unsigned i = 0; i < 16 / sizeof(F); ++i) {
    const F a = va.get<F>(i), b = vb.get<F>(i), c = vc.get<F>(i);
    const U ua = va.get<U>(i), ub = vb.get<U>(i);
    constexpr U kSign = U{1} << (sizeof(U) * 8 - 1);
    const auto bits = [&](U value) {
      nan_any = false;
      r.set(i, value);
    };
    const auto answer = [&](bool value) { bits(value ? static_cast<U>(~U{0}) : U{0}); };
    if (n.is("abs"))
      bits(ua & static_cast<U>(~kSign));
    else if (n.is("neg"))
      bits(ua ^ kSign);
    else if (n.is("eq"))
      answer(a == b);
    else if (n.is("ne"))
      answer(a != b);
    else if (n.is("lt"))
      answer(a < b);
    else if (n.is("gt"))
      answer(a > b);
    else if (n.is("le"))
      answer(a <= b);
    else if (n.is("ge"))
      answer(a >= b);
    else if (n.is("pmin") || n.is("relaxed_min"))
      bits(b < a ? ub : ua);
    else if (n.is("pmax") || n.is("relaxed_max"))
      bits(a < b ? ub : ua);
    else if (n.is("sqrt"))
      r.set(i, std::sqrt(a));
    else if (n.is("ceil"))
      r.set(i, std::ceil(a));
    else if (n.is("floor"))
      r.set(i, std::floor(a));
    else if (n.is("trunc"))
      r.set(i, std::trunc(a));
    else if (n.is("nearest"))
      r.set(i, std::nearbyint(a));
    else if (n.is("add"))
      r.set(i, a + b);
    else if (n.is("sub"))
      r.set(i, a - b);
    else if (n.is("mul"))
      r.set(i, a * b);
    else if (n.is("div"))
      r.set(i, a / b);
    else if (n.is("relaxed_madd") || n.is("relaxed_nmadd")) {
      volatile F product = n.is("relaxed_madd") ? a * b : -(a * b);
      r.set(i, product + c);
    } else if (n.is("min") || n.is("max")) {
      const bool min = n.is("min");
      F value;
      if (std::isnan(a) || std::isnan(b))
        value = std::numeric_limits<F>::quiet_NaN();
      else if (a == b)
        value = std::signbit(a) == min ? a : b;
      else
        value = (a < b) == min ? a : b;
      r.set(i, value);
    } else
      std::abort();
  }
  return r;
}

uint64_t saturated(double value, bool is_signed) {
  if (std::isnan(value)) return 0;
  const double low = is_signed ? -2147483648.0 : 0, high = is_signed ? 2147483647.0 : 4294967295.0;
  const double whole = std::trunc(value);
  return static_cast<uint64_t>(static_cast<int64_t>(whole < low ? low : whole > high ? high : whole));
}
uint64_t relaxed(double value) {
  return std::isnan(value) || std::trunc(value) < -2147483648.0 || std::trunc(value) > 2147483647.0
             ? 0x80000000
             : static_cast<uint64_t>(static_cast<int64_t>(value));
}

std::optional<Expected> convert(const Name& n, const V128& a) {
  Expected e;
  if (n.is("demote_f64x2_zero")) {
    e.nan_lanes = 4;
    for (unsigned i = 0; i < 2; ++i) e.value.set(i, static_cast<float>(a.get<double>(i)));
  } else if (n.is("promote_low_f32x4")) {
    e.nan_lanes = 8;
    for (unsigned i = 0; i < 2; ++i) e.value.set(i, static_cast<double>(a.get<float>(i)));
  } else if (n.starts("convert_i32x4")) {
    for (unsigned i = 0; i < 4; ++i)
      e.value.set(i, n.is_signed() ? static_cast<float>(a.get<std::int32_t>(i))
                                   : static_cast<float>(a.get<std::uint32_t>(i)));
  } else if (n.starts("convert_low_i32x4")) {
    for (unsigned i = 0; i < 2; ++i)
      e.value.set(i, n.is_signed() ? static_cast<double>(a.get<std::int32_t>(i))
                                   : static_cast<double>(a.get<std::uint32_t>(i)));
  } else if (n.starts("trunc_sat_f32x4") || n.starts("relaxed_trunc_f32x4")) {
    const bool wraps = n.is("relaxed_trunc_f32x4_s");
    for (unsigned i = 0; i < 4; ++i)
      put(e.value, 4, i, wraps ? relaxed(a.get<float>(i)) : saturated(a.get<float>(i), n.op.ends_with("_s")));
  } else if (n.starts("trunc_sat_f64x2") || n.starts("relaxed_trunc_f64x2")) {
    const bool is_signed = n.op.find("_s_zero") != std::string_view::npos,
               wraps = is_signed && n.starts("relaxed");
    for (unsigned i = 0; i < 2; ++i)
      put(e.value, 4, i, wraps ? relaxed(a.get<double>(i)) : saturated(a.get<double>(i), is_signed));
  } else {
    return std::nullopt;
  }
  return e;
}

/// Between lanes of w and of w / 2 bytes; `w` is the result's width, or for narrow the operands' is 2 w.
std::optional<V128> widths(const Name& n, const V128& a, const V128& b, const V128& c) {
  V128 r;
  const unsigned w = n.width, half = w / 2, lanes = n.lanes();
  const bool is_signed = n.op.ends_with("_s") || n.op.ends_with("add_s");
  const auto narrow = [&](const V128& v, unsigned lane) {
    return is_signed ? lane_s(v, half, lane) : static_cast<int64_t>(lane_u(v, half, lane));
  };
  const unsigned first = n.op.find("high") != std::string_view::npos ? lanes : 0;
  if (n.starts("extend_")) {
    for (unsigned i = 0; i < lanes; ++i) put(r, w, i, static_cast<uint64_t>(narrow(a, first + i)));
  } else if (n.starts("extmul_")) {
    for (unsigned i = 0; i < lanes; ++i)
      put(r, w, i, static_cast<uint64_t>(narrow(a, first + i)) * static_cast<uint64_t>(narrow(b, first + i)));
  } else if (n.starts("extadd_")) {
    for (unsigned i = 0; i < lanes; ++i)
      put(r, w, i, static_cast<uint64_t>(narrow(a, 2 * i) + narrow(a, 2 * i + 1)));
  } else if (n.is("dot_i16x8_s")) {
    for (unsigned i = 0; i < lanes; ++i)
      put(r, w, i,
          static_cast<uint64_t>(narrow(a, 2 * i) * narrow(b, 2 * i) +
                                narrow(a, 2 * i + 1) * narrow(b, 2 * i + 1)));
  } else if (n.starts("narrow_")) {
    for (unsigned i = 0; i < lanes; ++i) {
      const Wide value = i < lanes / 2 ? lane_s(a, 2 * w, i) : lane_s(b, 2 * w, i - lanes / 2);
      put(r, w, i,
          static_cast<uint64_t>(is_signed ? clamp(value, -max_s(w) - 1, max_s(w))
                                          : clamp(value, 0, max_u(w))));
    }
  } else if (n.starts("relaxed_dot_i8x16_i7x16")) {
    std::int16_t products[8];
    for (unsigned i = 0; i < 8; ++i) {
      Wide sum = 0;
      for (unsigned k = 2 * i; k < 2 * i + 2; ++k)
        sum += Wide{lane_s(a, 1, k)} * static_cast<Wide>(lane_u(b, 1, k));
      products[i] = static_cast<std::int16_t>(clamp(sum, -32768, 32767));
    }
    if (n.is("relaxed_dot_i8x16_i7x16_s")) {
      for (unsigned i = 0; i < 8; ++i) r.set(i, products[i]);
    } else {
      for (unsigned i = 0; i < 4; ++i)
        put(r, 4, i, static_cast<uint64_t>(products[2 * i] + products[2 * i + 1]) + lane_u(c, 4, i));
    }
  } else {
    return std::nullopt;
  }
  return r;
}

std::optional<V128> bits(std::string_view name, const V128& a, const V128& b, const V128& c) {
  V128 r;
  const bool known = name == "v128.not" || name == "v128.and" || name == "v128.andnot" || name == "v128.or" ||
                     name == "v128.xor" || name == "v128.bitselect";
  if (!known) return std::nullopt;
  for (unsigned i = 0; i < 16; ++i) {
    const std::uint8_t x = a.bytes[i], y = b.bytes[i], z = c.bytes[i];
    r.bytes[i] = static_cast<std::uint8_t>(name == "v128.not"      ? ~x
                                           : name == "v128.and"    ? x & y
                                           : name == "v128.andnot" ? x & ~y
                                           : name == "v128.or"     ? x | y
                                           : name == "v128.xor"    ? x ^ y
                                                                   : (x & z) | (y & ~z));
  }
  return r;
}

}  // namespace

Expected simd_model(std::string_view name, unsigned lane, const V128& a, const V128& b, const V128& c) {
  if (name == "v128.any_true") return {V128::of(a.low() || a.high(), 0)};
  if (const auto r = bits(name, a, b, c)) return {*r};
  const Name n(name);
  const unsigned w = n.width, lanes = n.lanes();
  V128 r;
  if (n.is("splat")) {
    for (unsigned i = 0; i < lanes; ++i) put(r, w, i, lane_u(a, w, 0));
    return {r};
  }
  if (n.starts("extract_lane")) {
    const bool narrow = w < 4;
    const uint64_t value =
        n.op.ends_with("_s") ? static_cast<uint64_t>(lane_s(a, w, lane)) : lane_u(a, w, lane);
    return {V128::of(narrow ? static_cast<std::uint32_t>(value) : value, 0)};
  }
  if (n.is("replace_lane")) {
    r = a;
    put(r, w, lane, lane_u(b, w, 0));
    return {r};
  }
  if (n.is("all_true") || n.is("bitmask")) {
    uint64_t all = 1, mask = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      all &= lane_u(a, w, i) != 0;
      mask |= static_cast<uint64_t>(lane_s(a, w, i) < 0) << i;
    }
    return {V128::of(n.is("bitmask") ? mask : all, 0)};
  }
  if (n.is("swizzle") || n.is("relaxed_swizzle")) {
    for (unsigned i = 0; i < 16; ++i) {
      const std::uint8_t index = b.bytes[i];
      const bool zero = n.is("swizzle") ? index >= 16 : index >= 128;
      r.bytes[i] = zero ? 0 : a.bytes[index & 15];
    }
    return {r};
  }
  if (n.is("relaxed_laneselect")) {
    for (unsigned i = 0; i < lanes; ++i) put(r, w, i, lane_u(lane_s(c, w, i) < 0 ? a : b, w, i));
    return {r};
  }
  if (const auto converted = convert(n, a)) return *converted;
  if (const auto widened = widths(n, a, b, c)) return {*widened};
  if (n.is_float) {
    bool nan_any = false;
    r = w == 4 ? float_lanes<float, std::uint32_t>(n, a, b, c, nan_any)
               : float_lanes<double, uint64_t>(n, a, b, c, nan_any);
    return {r, nan_any ? w : 0};
  }
  for (unsigned i = 0; i < lanes; ++i)
    put(r, w, i, integer_lane(n, lane_u(a, w, i), lane_u(b, w, i), b.get<std::uint32_t>(0)));
  return {r};
}

bool simd_matches(const Expected& expected, const V128& actual) {
  if (expected.nan_lanes == 0) return expected.value == actual;
  for (unsigned i = 0; i < 16 / expected.nan_lanes; ++i) {
    const uint64_t want = lane_u(expected.value, expected.nan_lanes, i),
                   got = lane_u(actual, expected.nan_lanes, i);
    const uint64_t quiet = expected.nan_lanes == 4 ? 0x7fc00000 : 0x7ff8000000000000;
    const bool is_nan = expected.nan_lanes == 4 ? std::isnan(expected.value.get<float>(i))
                                                : std::isnan(expected.value.get<double>(i));
    if (is_nan ? (got & quiet) != quiet : got != want) return false;
  }
  return true;
}

}  // namespace nebulet::test
