// SPDX-License-Identifier: MIT
// Floating-point lanes and conversions. The processor answers what it cannot convert with INT32_MIN.
#include "wasm/x64/selector_simd.h"

namespace nebulet::wasm::x64 {
namespace {

// Predicates of vcmp.
enum Predicate : unsigned {
  kEqual = 0,
  kLess = 1,
  kLessEqual = 2,
  kUnordered = 3,
  kNotEqual = 4,
  kOrdered = 7,
  kGreaterEqual = 13,
  kGreater = 14
};
// Immediates of vround: bit 3 suppresses the inexact exception.
enum Rounding : unsigned { kNearest = 8, kFloor = 9, kCeil = 10, kTrunc = 11 };

}  // namespace

void VectorSelector::floating() {
  const unsigned size = lanes_ == Lanes::f64x2 ? 8 : 4;
  const auto round = [&](Rounding mode) {
    one_imm(size == 4 ? MOp::vroundps : MOp::vroundpd, operand(inst_->a), mode, def_);
  };
  const auto with_predicate = [&](Predicate predicate, bool commutative) {
    Value a = inst_->a, b = inst_->b;
    if (commutative && in_memory(a) && !in_memory(b)) std::swap(a, b);
    const VReg left = reg(a);
    compare(predicate, size, left, operand(b), def_);
  };
  switch (inst_->op) {
    case Op::vfeq: return with_predicate(kEqual, true);
    case Op::vfne: return with_predicate(kNotEqual, true);
    case Op::vflt: return with_predicate(kLess, false);
    case Op::vfle: return with_predicate(kLessEqual, false);
    case Op::vfgt: return with_predicate(kGreater, false);
    case Op::vfge: return with_predicate(kGreaterEqual, false);
    case Op::vfabs:
      two(MOp::vand, reg(inst_->a), size == 4 ? repeat32(0x7fffffff) : repeat64(~0ull >> 1), def_);
      return;
    case Op::vfneg:
      two(MOp::vxor, reg(inst_->a), size == 4 ? repeat32(0x80000000) : repeat64(1ull << 63), def_);
      return;
    case Op::vfsqrt: one(MOp::vsqrt_p, operand(inst_->a), def_, size); return;
    case Op::vfceil: return round(kCeil);
    case Op::vffloor: return round(kFloor);
    case Op::vftrunc: return round(kTrunc);
    case Op::vfnearest: return round(kNearest);
    case Op::vfadd: return binary(MOp::vadd_p, true, size);
    case Op::vfsub: return binary(MOp::vsub_p, false, size);
    case Op::vfmul: return binary(MOp::vmul_p, true, size);
    case Op::vfdiv: return binary(MOp::vdiv_p, false, size);
    case Op::vfmin:
    case Op::vfmax: return min_max();
    case Op::vfpmin:
    case Op::vfpmax: {
      // vmin(x, y) is x < y ? x : y.
      const VReg b = reg(inst_->b);
      two(inst_->op == Op::vfpmin ? MOp::vmin_p : MOp::vmax_p, b, operand(inst_->a), def_, size);
      return;
    }
    case Op::vtrunc_sat_s:
    case Op::vtrunc_sat_u:
    case Op::vtrunc_relaxed_s: return truncate();
    default: return convert();
  }
}

// As Selector::lower_min_max: both orders differ for zeros of different sign and for NaN, which a + b gives
// correctly.
void VectorSelector::min_max() {
  const unsigned size = lanes_ == Lanes::f64x2 ? 8 : 4;
  const bool min = inst_->op == Op::vfmin;
  const MOp op = min ? MOp::vmin_p : MOp::vmax_p;
  const VReg a = reg(inst_->a), b = reg(inst_->b);
  const VReg ab = two(op, a, b, VReg(), size), ba = two(op, b, a, VReg(), size);
  const VReg number = two(min ? MOp::vor : MOp::vand, ab, ba);
  const VReg unordered = compare(kUnordered, size, a, in(b));
  const VReg sum = two(MOp::vadd_p, a, b, VReg(), size);
  blend(number, unordered, sum, def_, size == 4 ? MOp::vblendv_ps : MOp::vblendv_pd);
}

void VectorSelector::convert() {
  switch (inst_->op) {
    case Op::vdemote: one(MOp::vcvtpd2ps, operand(inst_->a), def_); return;
    case Op::vpromote: one(MOp::vcvtps2pd, low_half(inst_->a), def_); return;
    case Op::vconvert_s:
      if (lanes_ == Lanes::f32x4)
        one(MOp::vcvtdq2ps, operand(inst_->a), def_);
      else
        one(MOp::vcvtdq2pd, low_half(inst_->a), def_);
      return;
    default: break;
  }
  const VReg a = reg(inst_->a);
  if (lanes_ == Lanes::f64x2) {
    // 2^52 + x by putting x into the lowest bits.
    const VReg biased = two(MOp::vpunpckldq, a, repeat32(0x43300000));
    two(MOp::vsub_p, biased, repeat64(0x4330000000000000), def_, 8);
    return;
  }
  // 2^23 + low half, and 2^39 + high half * 2^16: all but the last addition are exact.
  const VReg low = two_imm(MOp::vpblendw, a, repeat32(0x4b000000), 0xaa);
  const VReg high = two_imm(MOp::vpblendw, shift(MOp::vpsrld_i, a, 16), repeat32(0x53000000), 0xaa);
  const VReg reduced = two(MOp::vsub_p, high, repeat32(0x53000080));
  two(MOp::vadd_p, low, reduced, def_);
}

void VectorSelector::truncate() {
  const bool is_signed = inst_->op != Op::vtrunc_sat_u;
  if (inst_->op == Op::vtrunc_relaxed_s) {
    one(lanes_ == Lanes::f32x4 ? MOp::vcvttps2dq : MOp::vcvttpd2dq, operand(inst_->a), def_);
    return;
  }
  const VReg x = reg(inst_->a);
  constexpr std::uint32_t k2To31 = 0x4f000000;
  if (lanes_ == Lanes::f32x4 && is_signed) {
    // NaN becomes 0. Too large gives INT32_MIN, whose complement is INT32_MAX.
    const VReg number = two(MOp::vand, x, compare(kOrdered, 4, x, in(x)));
    const VReg large = compare(kGreaterEqual, 4, number, repeat32(k2To31));
    two(MOp::vpxor, one(MOp::vcvttps2dq, number), large, def_);
    return;
  }
  if (lanes_ == Lanes::f32x4) {
    // max(x, 0) gives 0 for NaN. What exceeds 2^31 is converted by itself, is at most INT32_MAX, and is added
    // to INT32_MIN.
    const VReg nothing = zero();
    const VReg positive = two(MOp::vmax_p, x, nothing);
    const VReg rest = two(MOp::vsub_p, positive, repeat32(k2To31));
    const VReg large = compare(kGreaterEqual, 4, rest, repeat32(k2To31));
    const VReg high = two(MOp::vpxor, one(MOp::vcvttps2dq, rest), large);
    two(MOp::vpaddd, one(MOp::vcvttps2dq, positive), two(MOp::vpmaxsd, high, nothing), def_);
    return;
  }
  if (is_signed) {
    const VReg number = two(MOp::vand, x, compare(kOrdered, 8, x, in(x)), VReg(), 8);
    const VReg clamped = two(MOp::vmin_p, number, repeat64(0x41dfffffffc00000), VReg(), 8);
    one(MOp::vcvttpd2dq, clamped, def_);
    return;
  }
  const VReg nothing = zero();
  const VReg positive = two(MOp::vmax_p, x, nothing, VReg(), 8);
  const VReg clamped = two(MOp::vmin_p, positive, repeat64(0x41efffffffe00000), VReg(), 8);
  const VReg whole = one_imm(MOp::vroundpd, in(clamped), kTrunc);
  // 2^52 + x has x in its lowest bits.
  const VReg biased = two(MOp::vadd_p, whole, repeat64(0x4330000000000000), VReg(), 8);
  two_imm(MOp::vshufps, biased, in(nothing), 0x88, def_);
}

}  // namespace nebulet::wasm::x64
