// SPDX-License-Identifier: MIT
// Floating-point arithmetic. Results that are NaN must be quiet, and canonical if the operands are
// (spec 4.3.3): the processor's arithmetic does that by itself; min and max do not.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

constexpr std::uint64_t sign_mask(unsigned size) {
  return size == 4 ? 0x8000000080000000u : 0x8000000000000000u;
}

// Immediates of vround: bit 3 suppresses the inexact exception.
enum Rounding : unsigned { kNearest = 8, kFloor = 9, kCeil = 10, kTrunc = 11 };

}  // namespace

VReg Selector::rvm(MOp op, unsigned size, VReg a, const Source& b) {
  const VReg def = new_vreg(size == 4 ? Type::f32 : Type::f64);
  build(op, size).use(a).rm(b).def(def).end();
  return def;
}

/// All ones in the low `size` bytes where the predicate (of vcmp) holds.
VReg Selector::compare_mask(unsigned predicate, unsigned size, VReg a, const Source& b) {
  const VReg def = new_vreg(size == 4 ? Type::f32 : Type::f64);
  build(MOp::vcmp, Aux::size(size).cond(static_cast<Cond>(predicate))).use(a).rm(b).def(def).end();
  return def;
}

// min(a, b) and min(b, a) differ for zeros of different sign, whose bits are combined, and for NaN, which a +
// b gives correctly.
void Selector::lower_min_max(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  const bool min = inst.op == Op::fmin;
  const VReg a = vreg(inst.a), b = vreg(inst.b);
  const Source other = reg_operand(b, size);
  const MOp op = min ? MOp::vmin : MOp::vmax;
  const VReg ab = rvm(op, size, a, other), ba = rvm(op, size, b, reg_operand(a, size));
  const VReg number = rvm(min ? MOp::vor : MOp::vand, size, ab, reg_operand(ba, 16));
  constexpr unsigned kUnordered = 3;
  const VReg unordered = compare_mask(kUnordered, size, a, other);
  const VReg sum = rvm(MOp::vadd, size, a, other);
  build(size == 4 ? MOp::vblendv_ps : MOp::vblendv_pd, size)
      .use(number)
      .use(unordered)
      .rm(reg_operand(sum, 16))
      .def(vreg(v))
      .end();
}

void Selector::lower_float(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  const VReg def = vreg(v);
  auto binary = [&](MOp op, bool commutative) {
    Value a = inst.a, b = inst.b;
    const bool a_in_memory = can_fuse_load(a) || at(resolve(a)).op == Op::fconst;
    const bool b_in_memory = can_fuse_load(b) || at(resolve(b)).op == Op::fconst;
    if (commutative && a_in_memory && !b_in_memory) std::swap(a, b);
    const VReg left = vreg(a);
    const Source right = operand(b, size);
    build(op, size).use(left).rm(right).def(def).end();
  };
  auto round = [&](Rounding mode) {
    build(size == 4 ? MOp::vround_ss : MOp::vround_sd, Aux::size(size).cond(static_cast<Cond>(mode)))
        .use(vreg(inst.a))
        .def(def)
        .end();
  };
  auto with_mask = [&](MOp op, std::uint64_t mask) {
    build(op, size).use(vreg(inst.a)).rm(float_constant(mask, 16)).def(def).end();
  };
  switch (inst.op) {
    case Op::fconst:
      if (inst.bits == 0) return build(MOp::vzero, size).def(def).end();
      return build(MOp::vmov_load, size).rm(float_constant(inst.bits, size)).def(def).end();
    case Op::fadd: return binary(MOp::vadd, true);
    case Op::fsub: return binary(MOp::vsub, false);
    case Op::fmul: return binary(MOp::vmul, true);
    case Op::fdiv: return binary(MOp::vdiv, false);
    case Op::fsqrt: return build(MOp::vsqrt, size).use(vreg(inst.a)).def(def).end();
    case Op::fceil: return round(kCeil);
    case Op::ffloor: return round(kFloor);
    case Op::ftrunc: return round(kTrunc);
    case Op::fnearest: return round(kNearest);
    case Op::fabs: return with_mask(MOp::vand, ~sign_mask(size));
    case Op::fneg: return with_mask(MOp::vxor, sign_mask(size));
    case Op::fcopysign: {
      const VReg magnitude = rvm(MOp::vand, size, vreg(inst.a), float_constant(~sign_mask(size), 16));
      const VReg sign = rvm(MOp::vand, size, vreg(inst.b), float_constant(sign_mask(size), 16));
      return build(MOp::vor, size).use(magnitude).rm(reg_operand(sign, 16)).def(def).end();
    }
    default: return lower_convert(v, inst);
  }
}

}  // namespace nebulet::wasm::x64
