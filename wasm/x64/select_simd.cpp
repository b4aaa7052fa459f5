// SPDX-License-Identifier: MIT
// Vector operations: operands, constants, bits, and what is one machine instruction for each shape of lanes.
#include "wasm/x64/selector_simd.h"

namespace nebulet::wasm::x64 {

VReg VectorSelector::two(MOp op, VReg a, const Source& b, VReg def, unsigned size) {
  def = or_new(def);
  s_.build(op, size).use(a).rm(b).def(def).end();
  return def;
}

VReg VectorSelector::two_imm(MOp op, VReg a, const Source& b, std::int64_t imm, VReg def, unsigned size) {
  def = or_new(def);
  s_.build(op, size).use(a).rm(b).imm(imm).def(def).end();
  return def;
}

VReg VectorSelector::one(MOp op, const Source& a, VReg def, unsigned size) {
  def = or_new(def);
  s_.build(op, size).rm(a).def(def).end();
  return def;
}

VReg VectorSelector::one_imm(MOp op, const Source& a, std::int64_t imm, VReg def) {
  def = or_new(def);
  s_.build(op, 4).rm(a).imm(imm).def(def).end();
  return def;
}

VReg VectorSelector::shift(MOp op, VReg a, std::int64_t count, VReg def) {
  def = or_new(def);
  s_.build(op, 4).use(a).imm(count).def(def).end();
  return def;
}

VReg VectorSelector::compare(unsigned predicate, unsigned size, VReg a, const Source& b, VReg def) {
  def = or_new(def);
  s_.build(MOp::vcmp_p, Aux::size(size).cond(static_cast<Cond>(predicate))).use(a).rm(b).def(def).end();
  return def;
}

VReg VectorSelector::blend(VReg otherwise, VReg mask, VReg chosen, VReg def, MOp op) {
  def = or_new(def);
  s_.build(op, 4).use(otherwise).use(mask).rm(in(chosen)).def(def).end();
  return def;
}

VReg VectorSelector::zero() {
  const VReg r = make();
  s_.out_.vregs[r.index].rematerializable = true;
  s_.build(MOp::vzero, 4).def(r).end();
  return r;
}

VReg VectorSelector::ones() {
  const VReg r = make();
  s_.out_.vregs[r.index].rematerializable = true;
  s_.build(MOp::vones, 4).def(r).end();
  return r;
}

VReg VectorSelector::in_register(ir::Bits128 bits) {
  const VReg r = make();
  s_.out_.vregs[r.index].rematerializable = true;
  return one(MOp::vmovups_load, constant(bits), r);
}

Source VectorSelector::constant(ir::Bits128 bits) {
  Source s;
  s.kind = MemKind::constant;
  s.wide_constant = true;
  s.disp = static_cast<std::int32_t>(s_.out_.pool.size());
  for (const std::uint64_t half : {bits.low, bits.high}) {
    s_.out_.pool.push_back(static_cast<std::uint32_t>(half));
    s_.out_.pool.push_back(static_cast<std::uint32_t>(half >> 32));
  }
  return s;
}

Source VectorSelector::only_register(VReg v) {
  Source s;
  s.base = v;
  return s;
}

bool VectorSelector::constant_bits(Value v, ir::Bits128& bits) const {
  const ir::Inst& inst = at(v);
  if (inst.op != Op::vconst) return false;
  bits = ir::vector_bits(inst);
  return true;
}

Source VectorSelector::operand(Value v) {
  ir::Bits128 bits;
  if (constant_bits(v, bits) && bits != ir::Bits128{}) return constant(bits);
  Source s;
  if (s_.fuse_load(v, 16, s)) return s;
  return in(reg(v));
}

Source VectorSelector::low_half(Value v) {
  const Value vector = s_.resolve(v);
  const ir::Inst& inst = s_.at(vector);
  Source s;
  if (inst.op == Op::vscalar && inst.lanes == Lanes::f64x2 && s_.once(vector) && !s_.wanted(vector) &&
      s_.fuse_load(inst.a, 8, s))
    return s;
  return in(reg(v), 8);
}

bool VectorSelector::in_memory(Value v) const {
  ir::Bits128 bits;
  return (constant_bits(v, bits) && bits != ir::Bits128{}) || s_.can_fuse_load(v);
}

/// Whether every byte of `v` is 0 or 255.
bool VectorSelector::is_mask(Value v, int depth) const {
  const ir::Inst& inst = at(v);
  if (inst.op >= Op::veq && inst.op <= Op::vfge) return true;
  if (depth == 2) return false;
  if (inst.op == Op::vnot) return is_mask(inst.a, depth + 1);
  return (inst.op == Op::vand || inst.op == Op::vor || inst.op == Op::vxor || inst.op == Op::vandnot) &&
         is_mask(inst.a, depth + 1) && is_mask(inst.b, depth + 1);
}

void VectorSelector::binary(MOp op, bool commutative, unsigned size) {
  Value a = inst_->a, b = inst_->b;
  if (commutative && in_memory(a) && !in_memory(b)) std::swap(a, b);
  const VReg left = reg(a);
  two(op, left, operand(b), def_, size);
}

void VectorSelector::bitwise() {
  switch (inst_->op) {
    case Op::vnot: return invert(reg(inst_->a));
    case Op::vand: return binary(MOp::vpand, true);
    case Op::vor: return binary(MOp::vpor, true);
    case Op::vxor: return binary(MOp::vpxor, true);
    case Op::vandnot: {
      const VReg inverted = reg(inst_->b);
      two(MOp::vpandn, inverted, operand(inst_->a), def_);
      return;
    }
    case Op::vlaneselect: {
      const VReg a = reg(inst_->a), b = reg(inst_->b);
      VReg mask = reg(inst_->c);
      if (lanes_ == Lanes::i16x8 && !is_mask(inst_->c)) mask = shift(MOp::vpsraw_i, mask, 15);
      const MOp op = lanes_ == Lanes::i32x4   ? MOp::vblendv_ps
                     : lanes_ == Lanes::i64x2 ? MOp::vblendv_pd
                                              : MOp::vpblendvb;
      blend(b, mask, a, def_, op);
      return;
    }
    default: break;
  }
  const VReg a = reg(inst_->a), b = reg(inst_->b), mask = reg(inst_->c);
  if (is_mask(inst_->c)) {
    blend(b, mask, a, def_);
    return;
  }
  const VReg chosen = two(MOp::vpand, a, mask), others = two(MOp::vpandn, mask, b);
  two(MOp::vpor, chosen, others, def_);
}

bool Selector::is_vector_test(Value v) const {
  const Op op = at(v).op;
  return (op == Op::vany_true || op == Op::vall_true) && once(v);
}

/// Sets the flags so that the answer holds if the test is true.
Cond Selector::vector_test(const ir::Inst& inst) {
  VReg a = vreg(inst.a);
  if (inst.op == Op::vany_true) {
    build(MOp::vptest, 4).use(a).rm(reg_operand(a, 16)).end();
    return Cond::ne;
  }
  constexpr MOp kEqual[] = {MOp::vpcmpeqb, MOp::vpcmpeqw, MOp::vpcmpeqd, MOp::vpcmpeqq};
  const VReg zero = new_vreg(Type::v128), zeros = new_vreg(Type::v128);
  out_.vregs[zero.index].rematerializable = true;
  build(MOp::vzero, 4).def(zero).end();
  build(kEqual[static_cast<unsigned>(inst.lanes)], 4).use(zero).rm(reg_operand(a, 16)).def(zeros).end();
  build(MOp::vptest, 4).use(zeros).rm(reg_operand(zeros, 16)).end();
  return Cond::e;
}

void VectorSelector::test() {
  if (inst_->op != Op::vbitmask) {
    const Cond cond = s_.vector_test(*inst_);
    return s_.build(MOp::setcc, Aux::size(4).cond(cond)).def(def_).end();
  }
  VReg a = reg(inst_->a);
  switch (lanes_) {
    case Lanes::i16x8: a = two(MOp::vpacksswb, a, only_register(zero())); [[fallthrough]];
    case Lanes::i8x16: return s_.build(MOp::vpmovmskb, 4).rm(only_register(a)).def(def_).end();
    default:
      return s_.build(MOp::vmovmsk, lanes_ == Lanes::i32x4 ? 4 : 8).rm(only_register(a)).def(def_).end();
  }
}

void VectorSelector::compare_integers() {
  constexpr MOp kEqual[] = {MOp::vpcmpeqb, MOp::vpcmpeqw, MOp::vpcmpeqd, MOp::vpcmpeqq};
  constexpr MOp kGreater[] = {MOp::vpcmpgtb, MOp::vpcmpgtw, MOp::vpcmpgtd, MOp::vpcmpgtq};
  constexpr MOp kMinS[] = {MOp::vpminsb, MOp::vpminsw, MOp::vpminsd},
                kMaxS[] = {MOp::vpmaxsb, MOp::vpmaxsw, MOp::vpmaxsd};
  constexpr MOp kMinU[] = {MOp::vpminub, MOp::vpminuw, MOp::vpminud},
                kMaxU[] = {MOp::vpmaxub, MOp::vpmaxuw, MOp::vpmaxud};
  const auto n = static_cast<unsigned>(lanes_);
  // a <= b is min(a, b) == a.
  const auto bounded = [&](MOp bound, VReg def) {
    const VReg a = reg(inst_->a);
    return two(kEqual[n], two(bound, a, operand(inst_->b)), in(a), def);
  };
  const auto greater = [&](Value a, Value b, VReg def) {
    const VReg left = reg(a);
    return two(kGreater[n], left, operand(b), def);
  };
  switch (inst_->op) {
    case Op::veq: return binary(kEqual[n], true);
    case Op::vne: {
      const VReg a = reg(inst_->a);
      return invert(two(kEqual[n], a, operand(inst_->b)));
    }
    case Op::vgt_s: greater(inst_->a, inst_->b, def_); return;
    case Op::vlt_s: greater(inst_->b, inst_->a, def_); return;
    case Op::vle_s:
      if (lanes_ == Lanes::i64x2) return invert(greater(inst_->a, inst_->b, VReg()));
      bounded(kMinS[n], def_);
      return;
    case Op::vge_s:
      if (lanes_ == Lanes::i64x2) return invert(greater(inst_->b, inst_->a, VReg()));
      bounded(kMaxS[n], def_);
      return;
    case Op::vle_u: bounded(kMinU[n], def_); return;
    case Op::vge_u: bounded(kMaxU[n], def_); return;
    case Op::vgt_u: return invert(bounded(kMinU[n], VReg()));
    default: return invert(bounded(kMaxU[n], VReg()));
  }
}

void VectorSelector::integer() {
  const auto n = static_cast<unsigned>(lanes_);
  // One machine instruction for each shape; `entry` where there is none.
  const auto by_lanes = [&](std::array<MOp, 4> ops, bool commutative) { return binary(ops[n], commutative); };
  switch (inst_->op) {
    case Op::vadd: return by_lanes({MOp::vpaddb, MOp::vpaddw, MOp::vpaddd, MOp::vpaddq}, true);
    case Op::vsub: return by_lanes({MOp::vpsubb, MOp::vpsubw, MOp::vpsubd, MOp::vpsubq}, false);
    case Op::vadd_sat_s: return by_lanes({MOp::vpaddsb, MOp::vpaddsw}, true);
    case Op::vadd_sat_u: return by_lanes({MOp::vpaddusb, MOp::vpaddusw}, true);
    case Op::vsub_sat_s: return by_lanes({MOp::vpsubsb, MOp::vpsubsw}, false);
    case Op::vsub_sat_u: return by_lanes({MOp::vpsubusb, MOp::vpsubusw}, false);
    case Op::vavgr_u: return by_lanes({MOp::vpavgb, MOp::vpavgw}, true);
    case Op::vmin_s: return by_lanes({MOp::vpminsb, MOp::vpminsw, MOp::vpminsd}, true);
    case Op::vmin_u: return by_lanes({MOp::vpminub, MOp::vpminuw, MOp::vpminud}, true);
    case Op::vmax_s: return by_lanes({MOp::vpmaxsb, MOp::vpmaxsw, MOp::vpmaxsd}, true);
    case Op::vmax_u: return by_lanes({MOp::vpmaxub, MOp::vpmaxuw, MOp::vpmaxud}, true);
    case Op::vmul:
      if (lanes_ == Lanes::i64x2) return multiply_i64();
      if (lanes_ == Lanes::i32x4) return multiply_i32();
      return by_lanes({MOp::entry, MOp::vpmullw}, true);
    case Op::vdot: return binary(MOp::vpmaddwd, true);
    case Op::vdot_relaxed: {
      const VReg unsigned_factor = reg(inst_->b);
      two(MOp::vpmaddubsw, unsigned_factor, operand(inst_->a), def_);
      return;
    }
    case Op::vq15mulr_relaxed: return binary(MOp::vpmulhrsw, true);
    case Op::vq15mulr_sat: {
      // Only the square of the smallest number overflows, and becomes just this number, whose complement is
      // right.
      const VReg a = reg(inst_->a);
      const VReg product = two(MOp::vpmulhrsw, a, operand(inst_->b));
      two(MOp::vpxor, product, two(MOp::vpcmpeqw, product, repeat16(0x8000)), def_);
      return;
    }
    case Op::vneg: {
      constexpr MOp kSub[] = {MOp::vpsubb, MOp::vpsubw, MOp::vpsubd, MOp::vpsubq};
      const VReg nothing = zero();
      two(kSub[n], nothing, operand(inst_->a), def_);
      return;
    }
    case Op::vnarrow_s: return by_lanes({MOp::vpacksswb, MOp::vpackssdw}, false);
    case Op::vnarrow_u: return by_lanes({MOp::vpackuswb, MOp::vpackusdw}, false);
    case Op::vabs: return absolute();
    case Op::vpopcnt: return population();
    case Op::vextend_low_s:
    case Op::vextend_high_s:
    case Op::vextend_low_u:
    case Op::vextend_high_u: return extend();
    case Op::vextmul_low_s:
    case Op::vextmul_high_s:
    case Op::vextmul_low_u:
    case Op::vextmul_high_u: return extended_product();
    case Op::vextadd_s:
    case Op::vextadd_u: return extended_sum();
    default: return compare_integers();
  }
}

void VectorSelector::lower(Value v, const ir::Inst& inst) {
  inst_ = &inst;
  def_ = s_.vreg(v);
  lanes_ = inst.lanes;
  unread_ = s_.unread_[v.index];
  switch (inst.op) {
    case Op::vconst: {
      const ir::Bits128 bits = ir::vector_bits(inst);
      if (bits == ir::Bits128{}) return s_.build(MOp::vzero, 4).def(def_).end();
      if (bits == ir::Bits128{~0ull, ~0ull}) return s_.build(MOp::vones, 4).def(def_).end();
      one(MOp::vmovups_load, constant(bits), def_);
      return;
    }
    case Op::vsplat: return splat();
    case Op::vscalar: return scalar();
    case Op::vextract_s:
    case Op::vextract_u: return extract();
    case Op::vreplace: return replace();
    case Op::vshuffle: return shuffle();
    case Op::vswizzle:
    case Op::vswizzle_relaxed: return swizzle();
    case Op::vany_true:
    case Op::vall_true:
    case Op::vbitmask: return test();
    case Op::vshl:
    case Op::vshr_s:
    case Op::vshr_u: return shift();
    default: break;
  }
  if (inst.op >= Op::vnot && inst.op <= Op::vlaneselect) return bitwise();
  if (inst.op >= Op::vfeq) return floating();
  integer();
}

void Selector::lower_vector(Value v, const ir::Inst& inst) { VectorSelector(*this).lower(v, inst); }

}  // namespace nebulet::wasm::x64
