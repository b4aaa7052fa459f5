// SPDX-License-Identifier: MIT
// Conversions between integers and floating point. The processor converts signed integers only and answers a
// failed conversion with the smallest integer.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

// Predicates of vcmp.
constexpr unsigned kOrdered = 7, kGreaterEqual = 13;

constexpr std::uint64_t power_of_two(unsigned exponent, unsigned size) {
  return size == 4 ? std::uint64_t{127 + exponent} << 23 : std::uint64_t{1023 + exponent} << 52;
}
constexpr std::uint64_t negative(std::uint64_t bits, unsigned size) {
  return bits | std::uint64_t{1} << (size * 8 - 1);
}
MOp truncation(unsigned size) { return size == 4 ? MOp::vcvtt_ss_int : MOp::vcvtt_sd_int; }

}  // namespace

void Selector::lower_convert(Value v, const ir::Inst& inst) {
  const VReg def = vreg(v);
  const Type from = at(inst.a).type;
  const unsigned from_size = size_of(from), to_size = size_of(inst.type);
  switch (inst.op) {
    case Op::promote: return build(MOp::vcvt_ss_sd, 4).use(vreg(inst.a)).def(def).end();
    case Op::demote: return build(MOp::vcvt_sd_ss, 8).use(vreg(inst.a)).def(def).end();
    case Op::reinterpret: {
      if (is_vec(inst.type)) {
        const Source s = reg_operand(vreg(inst.a), from_size);
        return build(MOp::vmov_from_gpr, from_size).rm(s).def(def).end();
      }
      return build(MOp::vmov_to_gpr, to_size).use(vreg(inst.a)).def(def).end();
    }
    default: break;
  }
  const MOp op = inst.type == Type::f32 ? MOp::vcvt_int_ss : MOp::vcvt_int_sd;
  if (inst.op == Op::convert_u && from == Type::i64) return lower_convert_u64(v, inst);
  // An unsigned i32 is a non-negative i64.
  const bool wide = inst.op == Op::convert_u || from == Type::i64;
  const Source s = inst.op == Op::convert_u ? reg_operand(vreg(inst.a), 8) : operand(inst.a, from_size);
  build(op, wide ? 8 : 4).rm(s).def(def).end();
}

void Selector::lower_convert_u64(Value v, const ir::Inst& inst) {
  const VReg def = vreg(v), x = vreg(inst.a);
  if (inst.type == Type::f64) {
    // Both halves convert exactly, so the addition is the only rounding.
    const VReg low = new_gpr(4, true), high = op_imm(MOp::shr_ri, 8, x, 32);
    build(MOp::mov_rm, 4).rm(reg_operand(x, 4)).def(low).end();
    const VReg low_f = new_vreg(Type::f64), high_f = new_vreg(Type::f64);
    build(MOp::vcvt_int_sd, 8).rm(reg_operand(low, 8)).def(low_f).end();
    build(MOp::vcvt_int_sd, 8).rm(reg_operand(high, 8)).def(high_f).end();
    const VReg scaled = rvm(MOp::vmul, 8, high_f, float_constant(power_of_two(32, 8), 8));
    return build(MOp::vadd, 8).use(scaled).rm(reg_operand(low_f, 8)).def(def).end();
  }
  // From 2^63 on: halve, keeping the lost bit as a sticky bit for the rounding, convert, double.
  const VReg sticky = op_imm(MOp::and_ri, 8, x, 1), half = op_imm(MOp::shr_ri, 8, x, 1);
  const VReg odd = op_reg(MOp::or_rm, 8, half, sticky), chosen = new_gpr(8, false);
  build(MOp::test_rm, 8).use(x).rm(reg_operand(x, 8)).end();
  build(MOp::cmov, Aux::size(8).cond(Cond::ns)).use(odd).rm(reg_operand(x, 8)).reuse(chosen).end();
  const VReg f = new_vreg(Type::f32), mask = new_vreg(Type::f32);
  build(MOp::vcvt_int_ss, 8).rm(reg_operand(chosen, 8)).def(f).end();
  const VReg twice = rvm(MOp::vadd, 4, f, reg_operand(f, 4));
  const VReg sign = op_imm(MOp::shr_ri, 8, x, 32);
  build(MOp::vmov_from_gpr, 4).rm(reg_operand(sign, 4)).def(mask).end();
  build(MOp::vblendv_ps, 4).use(f).use(mask).rm(reg_operand(twice, 16)).def(def).end();
}

/// def = x as u64 for 0 <= x < 2^64; with all bits above 2^63 - 1 set wrongly beyond that.
void Selector::truncate_u64(VReg def, VReg x, unsigned size) {
  const VReg low = new_gpr(8, false), high = new_gpr(8, false);
  build(truncation(size), 8).rm(reg_operand(x, size)).def(low).end();
  const VReg reduced = rvm(MOp::vsub, size, x, float_constant(power_of_two(63, size), size));
  build(truncation(size), 8).rm(reg_operand(reduced, size)).def(high).end();
  const VReg sign = op_imm(MOp::sar_ri, 8, low, 63);
  const VReg upper = op_reg(MOp::and_rm, 8, high, sign);
  build(MOp::or_rm, 8).use(upper).rm(reg_operand(low, 8)).reuse(def).end();
}

void Selector::lower_trunc(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(at(inst.a).type);
  const bool is_signed = inst.op == Op::trunc_s;
  const VReg def = vreg(v), x = vreg(inst.a);
  auto trap_if = [&](Cond cond, ir::Trap trap) { build(MOp::trap_if, Aux().cond(cond).trap(trap)).end(); };
  auto compare_with = [&](std::uint64_t bits) {
    build(MOp::vucomi, size).use(x).rm(float_constant(bits, size)).end();
  };
  build(MOp::vucomi, size).use(x).rm(reg_operand(x, size)).end();
  trap_if(Cond::p, ir::Trap::invalid_conversion_to_integer);
  if (inst.type == Type::i32) {
    // Convert to 64 bits; the result is right if it is in range.
    const VReg wide = new_gpr(8, false), narrow = is_signed ? new_gpr(8, false) : def;
    build(truncation(size), 8).rm(reg_operand(x, size)).def(wide).end();
    build(is_signed ? MOp::movsxd : MOp::mov_rm, is_signed ? 8 : 4)
        .rm(reg_operand(wide, 4))
        .def(narrow)
        .end();
    build(MOp::cmp_rm, 8).use(wide).rm(reg_operand(narrow, 8)).end();
    trap_if(Cond::ne, ir::Trap::integer_overflow);
    if (is_signed) build(MOp::mov_rm, 4).rm(reg_operand(narrow, 4)).def(def).end();
    return;
  }
  compare_with(power_of_two(is_signed ? 63 : 64, size));
  trap_if(Cond::ae, ir::Trap::integer_overflow);
  if (is_signed) {
    compare_with(negative(power_of_two(63, size), size));
    trap_if(Cond::b, ir::Trap::integer_overflow);
    return build(truncation(size), 8).rm(reg_operand(x, size)).def(def).end();
  }
  compare_with(negative(power_of_two(0, size), size));
  trap_if(Cond::be, ir::Trap::integer_overflow);
  truncate_u64(def, x, size);
}

void Selector::lower_trunc_sat(Value v, const ir::Inst& inst) {
  const unsigned from = size_of(at(inst.a).type);
  const bool is_signed = inst.op == Op::trunc_sat_s;
  const VReg def = vreg(v);
  VReg x = vreg(inst.a);
  if (inst.type == Type::i32) {
    // In f64 every limit of i32 is exact. max(x, 0) gives 0 for NaN.
    if (from == 4) {
      const VReg wide = new_vreg(Type::f64);
      build(MOp::vcvt_ss_sd, 4).use(x).def(wide).end();
      x = wide;
    }
    constexpr std::uint64_t kMaxI32 = 0x41dfffffffc00000, kMaxU32 = 0x41efffffffe00000;
    if (is_signed) {
      const VReg number =
          rvm(MOp::vand, 8, x, reg_operand(compare_mask(kOrdered, 8, x, reg_operand(x, 8)), 16));
      const VReg clamped = rvm(MOp::vmin, 8, number, float_constant(kMaxI32, 8));
      return build(MOp::vcvtt_sd_int, 4).rm(reg_operand(clamped, 8)).def(def).end();
    }
    const VReg clamped =
        rvm(MOp::vmin, 8, rvm(MOp::vmax, 8, x, float_constant(0, 8)), float_constant(kMaxU32, 8));
    const VReg wide = new_gpr(8, false);
    build(MOp::vcvtt_sd_int, 8).rm(reg_operand(clamped, 8)).def(wide).end();
    return build(MOp::mov_rm, 4).rm(reg_operand(wide, 4)).def(def).end();
  }
  auto mask_from = [&](unsigned exponent) {
    const VReg mask =
        compare_mask(kGreaterEqual, from, x, float_constant(power_of_two(exponent, from), from));
    // The mask of an f32 has 32 bits.
    const VReg bits = new_gpr(8, false);
    if (from == 8) {
      build(MOp::vmov_to_gpr, 8).use(mask).def(bits).end();
      return bits;
    }
    const VReg low = new_gpr(4, true);
    build(MOp::vmov_to_gpr, 4).use(mask).def(low).end();
    build(MOp::movsxd, 8).rm(reg_operand(low, 4)).def(bits).end();
    return bits;
  };
  if (is_signed) {
    x = rvm(MOp::vand, from, x, reg_operand(compare_mask(kOrdered, from, x, reg_operand(x, from)), 16));
    const VReg value = new_gpr(8, false);
    build(truncation(from), 8).rm(reg_operand(x, from)).def(value).end();
    // Too large gave INT64_MIN, whose complement is INT64_MAX.
    const VReg mask = mask_from(63);
    return build(MOp::xor_rm, 8).use(value).rm(reg_operand(mask, 8)).reuse(def).end();
  }
  x = rvm(MOp::vmax, from, x, float_constant(0, from));
  const VReg value = new_gpr(8, false);
  truncate_u64(value, x, from);
  const VReg mask = mask_from(64);
  build(MOp::or_rm, 8).use(value).rm(reg_operand(mask, 8)).reuse(def).end();
}

}  // namespace nebulet::wasm::x64
