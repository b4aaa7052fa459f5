// SPDX-License-Identifier: MIT
// Atomic accesses, and arithmetic whose result has two registers. The processor keeps the order that the
// threads proposal asks for if loads are plain moves and stores are exchanges.
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

using ir::Access;

// Spec of the proposal: the effective address must be a multiple of the width.
void Selector::check_alignment(const ir::Inst& inst, unsigned bytes) {
  const std::uint64_t mask = bytes - 1;
  if (mask == 0) return;
  std::int64_t c = 0;
  if (constant(inst.a, c) &&
      ((static_cast<std::uint64_t>(c) + static_cast<std::uint64_t>(inst.imm)) & mask) == 0)
    return;
  const auto low = static_cast<std::int64_t>(static_cast<std::uint64_t>(inst.imm) & mask);
  VReg address = vreg(inst.a);
  if (low != 0) {
    Source sum;
    sum.kind = MemKind::address;
    sum.base = address;
    sum.disp = static_cast<std::int32_t>(low);
    address = new_gpr(4, true);
    build(MOp::lea, 4).rm(sum).def(address).end();
  }
  build(MOp::test_ri, 4).rm(reg_operand(address, 4)).imm(static_cast<std::int64_t>(mask)).end();
  build(MOp::trap_if, Aux().cond(Cond::ne).trap(ir::Trap::unaligned_atomic)).end();
}

/// What an exchange of `bytes` bytes left in a register, as the value of the instruction.
void Selector::widen(VReg from, unsigned bytes, VReg to) {
  const MOp op = bytes == 1 ? MOp::movzx8 : bytes == 2 ? MOp::movzx16 : MOp::mov_rm;
  Source s = reg_operand(from, 8);
  s.slot = false;
  build(op, bytes == 8 ? 8 : 4).rm(s).def(to).end();
}

void Selector::lower_atomic(Value v, const ir::Inst& inst) {
  const unsigned bytes = access_bytes(inst);
  check_alignment(inst, bytes);
  switch (inst.op) {
    case Op::atomic_load: return lower_load(v, inst);
    case Op::atomic_cmpxchg: {
      const VReg expected = vreg(inst.b), desired = vreg(inst.c), old = new_gpr(8, false);
      const Source s = address(inst, bytes);
      build(MOp::cmpxchg, Aux::size(bytes).lock()).use(expected, rax).use(desired).rm(s).def(old, rax).end();
      if (wanted(v)) widen(old, bytes, vreg(v));
      return;
    }
    default: break;
  }
  const bool has_result = inst.op != Op::atomic_store && wanted(v);
  VReg value = vreg(inst.b);
  if (inst.op == Op::atomic_sub && has_result) {
    const VReg negative = new_gpr(8, false);
    build(MOp::neg, bytes == 8 ? 8 : 4).use(value).reuse(negative).end();
    value = negative;
  }
  const Source s = address(inst, bytes);
  if (!has_result && (inst.op == Op::atomic_add || inst.op == Op::atomic_sub)) {
    const MOp op = inst.op == Op::atomic_add ? MOp::add_mr : MOp::sub_mr;
    return build(op, Aux::size(bytes).lock()).use(value).rm(s).end();
  }
  const bool adds = inst.op == Op::atomic_add || inst.op == Op::atomic_sub;
  const VReg old = new_gpr(8, false);
  // An exchange with memory is locked without the prefix.
  build(adds ? MOp::xadd_mr : MOp::xchg_mr, adds ? Aux::size(bytes).lock() : Aux::size(bytes))
      .use(value)
      .rm(s)
      .reuse(old)
      .end();
  if (has_result) widen(old, bytes, vreg(v));
}

/// The instruction before this one, if it is `op` on the same operands, wanted and not yet lowered.
Value Selector::lower_half(Op op, Value a, Value b) {
  if (order_ == ir_[ir::Block(block_)].first) return Value();
  const Value before = ir_.order[order_ - 1];
  const ir::Inst& inst = at(before);
  const bool same = inst.op == op && inst.type == Type::i64 && resolve(inst.a) == resolve(a) &&
                    resolve(inst.b) == resolve(b) && resolve(before) == before;
  return same && wanted(before) && !fused_[before.index] ? before : Value();
}

void Selector::lower_wide(Value v, const ir::Inst& inst) {
  const bool multiplies = inst.op == Op::mul_high_s || inst.op == Op::mul_high_u;
  const auto list = ir_.args(inst);
  const Op half = multiplies ? Op::mul : inst.op == Op::add128_high ? Op::add : Op::sub;
  const Value a = multiplies ? inst.a : list[0], b = multiplies ? inst.b : list[2];
  const Value shared = lower_half(half, a, b);
  VReg low;
  if (shared.valid()) {
    fused_[shared.index] = true;
    low = vreg(shared);
  } else if (inst.op != Op::mul_high_u) {
    low = new_gpr(8, false);
  }
  const VReg left = vreg(a), right = vreg(b);
  if (inst.op == Op::mul_high_s)
    return build(MOp::imul_high, 8)
        .use(left, rax)
        .rm(reg_operand(right, 8))
        .def(low, rax)
        .def(vreg(v), rdx)
        .end();
  if (inst.op == Op::mul_high_u && !low.valid())
    return build(MOp::mulx, 8).use(left, rdx).rm(reg_operand(right, 8)).def(vreg(v)).end();
  if (inst.op == Op::mul_high_u)
    return build(MOp::mulx_wide, 8).use(left, rdx).rm(reg_operand(right, 8)).def(low).def(vreg(v)).end();
  // What the allocator puts in between changes no flags.
  const bool adds = inst.op == Op::add128_high;
  const VReg left_high = vreg(list[1]), right_high = vreg(list[3]);
  build(adds ? MOp::add_rm : MOp::sub_rm, 8).use(left).rm(reg_operand(right, 8)).reuse(low).end();
  build(adds ? MOp::adc_rm : MOp::sbb_rm, 8)
      .use(left_high)
      .rm(reg_operand(right_high, 8))
      .reuse(vreg(v))
      .end();
}

void Selector::lower_narrow(Value v, const ir::Inst& inst) {
  const VReg from = vreg(inst.a);
  if (!out_.vregs[from.index].zero_extended) {
    const VReg high = new_gpr(8, false);
    build(MOp::shr_ri, 8).use(from).imm(32).reuse(high).end();
    build(MOp::trap_if, Aux().cond(Cond::ne).trap(static_cast<ir::Trap>(inst.imm))).end();
  }
  if (wanted(v)) build(MOp::mov_rm, 4).rm(reg_operand(from, 4)).def(vreg(v)).end();
}

}  // namespace nebulet::wasm::x64
