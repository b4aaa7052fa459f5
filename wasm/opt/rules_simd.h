// SPDX-License-Identifier: MIT
// Algebraic rules on vector operations. Included by rules.h only.
#pragma once

#include <algorithm>

#include "wasm/opt/rules.h"

namespace nebulet::wasm::opt {

namespace detail {

constexpr ir::Bits128 kZeros{}, kOnes{~0ull, ~0ull};

constexpr bool is_commutative_vector_op(ir::Op op) {
  using ir::Op;
  switch (op) {
    case Op::vand:
    case Op::vor:
    case Op::vxor:
    case Op::vadd:
    case Op::vmul:
    case Op::vadd_sat_s:
    case Op::vadd_sat_u:
    case Op::vavgr_u:
    case Op::vmin_s:
    case Op::vmin_u:
    case Op::vmax_s:
    case Op::vmax_u:
    case Op::vdot:
    case Op::veq:
    case Op::vne: return true;
    default: return false;
  }
}
/// !(a < b)  ⇔  a >= b, and so on, for integer lanes; nop for other operations.
constexpr ir::Op inverted_comparison(ir::Op op) {
  using ir::Op;
  switch (op) {
    case Op::veq: return Op::vne;
    case Op::vne: return Op::veq;
    case Op::vlt_s: return Op::vge_s;
    case Op::vlt_u: return Op::vge_u;
    case Op::vgt_s: return Op::vle_s;
    case Op::vgt_u: return Op::vle_u;
    case Op::vle_s: return Op::vgt_s;
    case Op::vle_u: return Op::vgt_u;
    case Op::vge_s: return Op::vlt_s;
    case Op::vge_u: return Op::vlt_u;
    case Op::vfeq: return Op::vfne;
    case Op::vfne: return Op::vfeq;
    default: return Op::nop;
  }
}
/// Comparisons that processors have only as the complement of another one.
constexpr bool is_complement(ir::Op op, ir::Lanes lanes) {
  using ir::Op;
  return op == Op::vne || op == Op::vlt_u || op == Op::vgt_u ||
         (lanes == ir::Lanes::i64x2 && (op == Op::vle_s || op == Op::vge_s));
}

/// `scalar` in every lane, or in lane `only` of `bits`.
inline ir::Bits128 with_lanes(ir::Bits128 bits, ir::Lanes lanes, std::uint64_t scalar, unsigned from,
                              unsigned to) {
  const unsigned width = ir::lane_bytes(lanes);
  auto bytes = bits.bytes();
  for (unsigned lane = from; lane < to; ++lane) std::memcpy(bytes.data() + lane * width, &scalar, width);
  return ir::Bits128::of(bytes);
}

}  // namespace detail

template <class Add>
ir::Value Rules<Add>::simplify_vector(Value v) {
  ir::Inst& i = f_[v];
  if (detail::is_commutative_vector_op(i.op) && f_[i.a].op == Op::vconst) std::swap(i.a, i.b);
  switch (i.op) {
    case Op::vsplat:
    case Op::vscalar:
    case Op::vextract_s:
    case Op::vextract_u:
    case Op::vreplace: return simplify_lane(v);
    case Op::vshuffle:
    case Op::vswizzle:
    case Op::vswizzle_relaxed: return simplify_shuffle(v);
    case Op::vnot:
    case Op::vand:
    case Op::vandnot:
    case Op::vor:
    case Op::vxor: return simplify_bits(v);
    case Op::vbitselect:
    case Op::vlaneselect: return simplify_bitselect(v);
    case Op::vshl:
    case Op::vshr_s:
    case Op::vshr_u:
      if (is_const(i.b) && f_[i.b].bits % (ir::lane_bytes(i.lanes) * 8) == 0) return i.a;
      return Value::none();
    case Op::vadd:
    case Op::vsub:
      if (f_[i.b].op == Op::vconst && ir::vector_bits(f_[i.b]) == detail::kZeros) return i.a;
      return Value::none();
    case Op::vextend_low_u:
    case Op::vextend_high_u: return simplify_extension(v);
    default: return Value::none();
  }
}

/// A zero-extension of what was shuffled or zero-extended before is one shuffle with zeros.
template <class Add>
ir::Value Rules<Add>::simplify_extension(Value v) {
  const ir::Inst i = f_[v];
  const ir::Inst inner = f_[i.a];
  constexpr std::uint8_t kZero = 16;
  std::array<std::uint8_t, 16> from;
  if (inner.op == Op::vshuffle) {
    ir::Bits128 bits;
    if (inner.a != inner.b && !(vector_constant(inner.b, bits) && bits == detail::kZeros))
      return Value::none();
    from = ir::shuffle_indices(inner);
  } else if (inner.op == Op::vextend_low_u) {
    const unsigned width = ir::lane_bytes(inner.lanes);
    for (unsigned k = 0; k < 16; ++k)
      from[k] =
          k % width < width / 2 ? static_cast<std::uint8_t>(k / width * (width / 2) + k % width) : kZero;
  } else {
    return Value::none();
  }
  const unsigned width = ir::lane_bytes(i.lanes), first = i.op == Op::vextend_high_u ? 8 : 0;
  std::array<std::uint8_t, 16> indices;
  for (unsigned k = 0; k < 16; ++k) {
    const bool kept = k % width < width / 2;
    indices[k] = kept ? from[first + k / width * (width / 2) + k % width] : kZero;
    if (indices[k] > kZero) indices[k] = kZero;
  }
  const Value zero = add_(ir::vector_constant(detail::kZeros));
  f_[v] = ir::vector_shuffle(inner.a, zero, indices);
  return simplify_shuffle(v);
}

template <class Add>
ir::Value Rules<Add>::simplify_lane(Value v) {
  const ir::Inst i = f_[v];
  const ir::Inst& a = f_[i.a];
  const unsigned width = ir::lane_bytes(i.lanes);
  const auto lane = static_cast<unsigned>(i.imm);
  const auto is_scalar_constant = [](const ir::Inst& x) { return x.op == Op::iconst || x.op == Op::fconst; };
  ir::Bits128 bits;
  switch (i.op) {
    case Op::vsplat:
      if (is_scalar_constant(a))
        return become_vector(v, detail::with_lanes({}, i.lanes, a.bits, 0, ir::lane_count(i.lanes)));
      return Value::none();
    case Op::vscalar:
      if (is_scalar_constant(a)) return become_vector(v, detail::with_lanes({}, i.lanes, a.bits, 0, 1));
      return Value::none();
    case Op::vreplace:
      if (!vector_constant(i.a, bits)) return Value::none();
      if (is_scalar_constant(f_[i.b]))
        return become_vector(v, detail::with_lanes(bits, i.lanes, f_[i.b].bits, lane, lane + 1));
      if (bits == detail::kZeros && lane == 0) {
        f_[v] = {.op = Op::vscalar, .type = Type::v128, .lanes = i.lanes, .a = i.b};
      }
      return Value::none();
    default: break;
  }
  if (vector_constant(i.a, bits)) {
    const auto bytes = bits.bytes();
    std::uint64_t scalar = 0;
    std::memcpy(&scalar, bytes.data() + lane * width, width);
    if (i.op == Op::vextract_s)
      scalar = width == 1 ? static_cast<std::uint32_t>(static_cast<std::int8_t>(scalar))
                          : static_cast<std::uint32_t>(static_cast<std::int16_t>(scalar));
    return become_constant(v, scalar);
  }
  // Narrow lanes lose bits, so the scalar that went in is not what comes out.
  if (width < 4 || a.lanes != i.lanes) return Value::none();
  if (a.op == Op::vsplat || (a.op == Op::vscalar && lane == 0)) return a.a;
  if (a.op == Op::vreplace) {
    if (static_cast<unsigned>(a.imm) == lane) return a.b;
    f_[v].a = a.a;
  }
  return Value::none();
}

template <class Add>
ir::Value Rules<Add>::simplify_shuffle(Value v) {
  ir::Inst& i = f_[v];
  ir::Bits128 a, b;
  if (i.op != Op::vshuffle) {
    if (!vector_constant(i.b, b)) return Value::none();
    const auto indices = b.bytes();
    if (std::ranges::any_of(indices, [](unsigned index) { return index >= 16; })) return Value::none();
    i = ir::vector_shuffle(i.a, i.a, indices);
  }
  auto indices = ir::shuffle_indices(i);
  const bool uses_a = std::ranges::any_of(indices, [](unsigned index) { return index < 16; });
  const bool uses_b = std::ranges::any_of(indices, [](unsigned index) { return index >= 16; });
  if (i.a == i.b || !uses_a || !uses_b) {
    const Value only = uses_a ? i.a : i.b;
    for (std::uint8_t& index : indices) index &= 15;
    i = ir::vector_shuffle(only, only, indices);
    bool same = true;
    // A vector of equal lanes stays as it is if bytes keep their place within a lane.
    const unsigned period = f_[only].op == Op::vsplat ? ir::lane_bytes(f_[only].lanes) : 16;
    for (unsigned k = 0; k < 16; ++k) same &= indices[k] % period == k % period;
    if (same) return only;
  }
  if (f_[i.a].op == Op::vconst && f_[i.b].op != Op::vconst) {
    for (std::uint8_t& index : indices) index ^= 16;
    i = ir::vector_shuffle(i.b, i.a, indices);
  }
  if (vector_constant(i.a, a) && vector_constant(i.b, b)) {
    const auto from_a = a.bytes(), from_b = b.bytes();
    std::array<std::uint8_t, 16> result;
    for (unsigned k = 0; k < 16; ++k)
      result[k] = indices[k] < 16 ? from_a[indices[k]] : from_b[indices[k] - 16];
    return become_vector(v, ir::Bits128::of(result));
  }
  return Value::none();
}

template <class Add>
ir::Value Rules<Add>::simplify_bits(Value v) {
  ir::Inst& i = f_[v];
  ir::Bits128 a, b;
  const bool a_constant = vector_constant(i.a, a);
  if (i.op == Op::vnot) {
    const ir::Inst inner = f_[i.a];
    if (a_constant) return become_vector(v, {~a.low, ~a.high});
    if (inner.op == Op::vnot) return inner.a;
    if (const Op inverse = detail::inverted_comparison(inner.op); inverse != Op::nop)
      i = {.op = inverse, .type = Type::v128, .lanes = inner.lanes, .a = inner.a, .b = inner.b};
    return Value::none();
  }
  const bool b_constant = vector_constant(i.b, b);
  if (i.op == Op::vandnot && b_constant) {
    b = {~b.low, ~b.high};
    const Value complement = add_(ir::vector_constant(b));
    f_[v].b = complement;
    f_[v].op = Op::vand;
    return simplify_bits(v);
  }
  if (a_constant && b_constant) {
    switch (i.op) {
      case Op::vand: return become_vector(v, {a.low & b.low, a.high & b.high});
      case Op::vor: return become_vector(v, {a.low | b.low, a.high | b.high});
      case Op::vxor: return become_vector(v, {a.low ^ b.low, a.high ^ b.high});
      default: return Value::none();
    }
  }
  if (i.a == i.b) {
    if (i.op == Op::vand || i.op == Op::vor) return i.a;
    return become_vector(v, detail::kZeros);
  }
  if (i.op == Op::vand && f_[i.b].op == Op::vnot) {
    i = {.op = Op::vandnot, .type = Type::v128, .lanes = ir::Lanes::all, .a = i.a, .b = f_[i.b].a};
    return Value::none();
  }
  if (i.op == Op::vand && f_[i.a].op == Op::vnot) {
    i = {.op = Op::vandnot, .type = Type::v128, .lanes = ir::Lanes::all, .a = i.b, .b = f_[i.a].a};
    return Value::none();
  }
  if (!b_constant) return Value::none();
  if (b == detail::kZeros) return i.op == Op::vand ? i.b : i.a;
  if (b == detail::kOnes) {
    if (i.op == Op::vand) return i.a;
    if (i.op == Op::vor) return i.b;
    i = {.op = Op::vnot, .type = Type::v128, .lanes = ir::Lanes::all, .a = i.a};
    return simplify_bits(v);
  }
  return Value::none();
}

template <class Add>
ir::Value Rules<Add>::simplify_bitselect(Value v) {
  ir::Inst& i = f_[v];
  if (i.a == i.b) return i.a;
  // Without the complement of the mask.
  const ir::Inst mask = f_[i.c];
  if (mask.op == Op::vnot) {
    i.c = mask.a;
    std::swap(i.a, i.b);
  } else if (detail::is_complement(mask.op, mask.lanes)) {
    const Value inverse = add_({.op = detail::inverted_comparison(mask.op),
                                .type = Type::v128,
                                .lanes = mask.lanes,
                                .a = mask.a,
                                .b = mask.b});
    f_[v].c = inverse;
    std::swap(f_[v].a, f_[v].b);
  }
  ir::Inst& j = f_[v];
  if (j.op != Op::vbitselect) return Value::none();
  ir::Bits128 bits;
  if (vector_constant(j.c, bits)) {
    if (bits == detail::kOnes) return j.a;
    if (bits == detail::kZeros) return j.b;
  }
  if (vector_constant(j.b, bits) && bits == detail::kZeros)
    j = {.op = Op::vand, .type = Type::v128, .lanes = ir::Lanes::all, .a = j.a, .b = j.c};
  else if (vector_constant(j.a, bits) && bits == detail::kZeros)
    j = {.op = Op::vandnot, .type = Type::v128, .lanes = ir::Lanes::all, .a = j.b, .b = j.c};
  return Value::none();
}

}  // namespace nebulet::wasm::opt
