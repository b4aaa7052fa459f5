// SPDX-License-Identifier: MIT
// Integer arithmetic except division and comparison.
#include <bit>

#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

/// def = a op b, where b may be read from memory.
void Selector::alu(MOp op, unsigned size, VReg def, Value a, Value b, bool commutative) {
  if (commutative && !can_fuse_load(b) && can_fuse_load(a)) std::swap(a, b);
  const VReg left = vreg(a);
  const Source right = operand(b, size);
  // Exchanged, the left operand stands where a spill slot may be read, with `size` bytes.
  const bool exchangeable =
      commutative && right.kind == MemKind::none && (!right.slot || out_.vregs[left.index].width >= size);
  build(op, size).use(left).rm(right).reuse(def).flags(exchangeable ? mir::kCommutative : 0).end();
}

VReg Selector::op_imm(MOp op, unsigned size, VReg a, std::int64_t imm) {
  const VReg def = new_gpr(size, size == 4);
  build(op, size).use(a).imm(imm).reuse(def).end();
  return def;
}

VReg Selector::op_reg(MOp op, unsigned size, VReg a, VReg b) {
  const VReg def = new_gpr(size, size == 4);
  build(op, size).use(a).rm(reg_operand(b, size)).reuse(def).end();
  return def;
}

/// Sums with three inputs, with a shifted input, or whose inputs live on, are one lea.
bool Selector::lower_lea(Value v, const ir::Inst& inst) {
  std::int64_t c = 0;
  auto is_shift = [&](Value x) {
    const ir::Inst& i = at(resolve(x));
    return i.op == Op::shl && i.type == inst.type && once(resolve(x)) && constant(i.b, c) && c >= 1 && c <= 3;
  };
  auto is_sum = [&](Value x) {
    const ir::Inst& i = at(resolve(x));
    return i.op == Op::add && i.type == inst.type && once(resolve(x)) && may_sink(resolve(x));
  };
  const bool immediate = constant32(inst.b, c);
  const bool inputs_live = !once(resolve(inst.a)) && (immediate || !once(resolve(inst.b)));
  const bool shaped = immediate ? is_sum(inst.a) : is_shift(inst.a) || is_shift(inst.b);
  if (!inputs_live && !shaped) return false;
  if (!immediate && (can_fuse_load(inst.a) || can_fuse_load(inst.b))) return false;
  Source s;
  decompose(v, s, MemKind::address);
  s.traps = false;
  build(MOp::lea, size_of(inst.type)).rm(s).def(vreg(v)).end();
  return true;
}

void Selector::lower_add(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  std::int64_t c = 0;
  if (lower_lea(v, inst)) return;
  if (constant32(inst.b, c)) return build(MOp::add_ri, size).use(vreg(inst.a)).imm(c).reuse(vreg(v)).end();
  if (constant32(inst.a, c)) return build(MOp::add_ri, size).use(vreg(inst.b)).imm(c).reuse(vreg(v)).end();
  alu(MOp::add_rm, size, vreg(v), inst.a, inst.b, true);
}

void Selector::lower_binary(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  std::int64_t c = 0;
  if (inst.op == Op::sub) {
    if (constant(inst.a, c) && c == 0) return build(MOp::neg, size).use(vreg(inst.b)).reuse(vreg(v)).end();
    if (constant32(inst.b, c)) return build(MOp::sub_ri, size).use(vreg(inst.a)).imm(c).reuse(vreg(v)).end();
    return alu(MOp::sub_rm, size, vreg(v), inst.a, inst.b, false);
  }
  Value a = inst.a, b = inst.b;
  if (constant(a, c)) std::swap(a, b);
  if (constant(b, c)) {
    if (inst.op == Op::and_) {
      auto narrow = [&](MOp op) { build(op, 4).rm(reg_operand(vreg(a), 4)).def(vreg(v)).end(); };
      if (c == 0xff) return narrow(MOp::movzx8);
      if (c == 0xffff) return narrow(MOp::movzx16);
      if (size == 8 && c == 0xffffffff) return narrow(MOp::mov_rm);
      // A mask below 2^31 clears the upper half anyway; the 32-bit form is shorter.
      if (c == static_cast<std::int32_t>(c))
        return build(MOp::and_ri, c >= 0 ? 4 : size).use(vreg(a)).imm(c).reuse(vreg(v)).end();
    } else if (inst.op == Op::xor_ && c == -1) {
      return build(MOp::not_, size).use(vreg(a)).reuse(vreg(v)).end();
    } else if (c == static_cast<std::int32_t>(c)) {
      const MOp op = inst.op == Op::or_ ? MOp::or_ri : MOp::xor_ri;
      return build(op, size).use(vreg(a)).imm(c).reuse(vreg(v)).end();
    }
  }
  if (inst.op == Op::and_) {
    auto is_not = [&](Value x) {
      const ir::Inst& i = at(resolve(x));
      return i.op == Op::xor_ && i.type == inst.type && once(resolve(x)) && constant(i.b, c) && c == -1;
    };
    if (!is_not(a) && is_not(b)) std::swap(a, b);
    if (is_not(a)) {
      const VReg inverted = vreg(at(resolve(a)).a);
      const Source s = operand(b, size);
      return build(MOp::andn, size).use(inverted).rm(s).def(vreg(v)).end();
    }
    return alu(MOp::and_rm, size, vreg(v), a, b, true);
  }
  alu(inst.op == Op::or_ ? MOp::or_rm : MOp::xor_rm, size, vreg(v), a, b, true);
}

void Selector::lower_mul(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  Value a = inst.a, b = inst.b;
  std::int64_t c = 0;
  if (constant(a, c)) std::swap(a, b);
  if (!constant32(b, c)) return alu(MOp::imul_rm, size, vreg(v), a, b, true);
  if (c == 3 || c == 5 || c == 9) {
    Source s;
    s.kind = MemKind::address;
    s.base = s.index = vreg(a);
    s.scale = static_cast<std::uint8_t>(std::countr_zero(static_cast<unsigned>(c - 1)));
    return build(MOp::lea, size).rm(s).def(vreg(v)).end();
  }
  if (c > 0 && std::has_single_bit(static_cast<std::uint64_t>(c)))
    return build(MOp::shl_ri, size)
        .use(vreg(a))
        .imm(std::countr_zero(static_cast<std::uint64_t>(c)))
        .reuse(vreg(v))
        .end();
  const Source s = operand(a, size);
  build(MOp::imul_rmi, size).rm(s).imm(c).def(vreg(v)).end();
}

void Selector::lower_shift(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type), bits = size * 8;
  const VReg def = vreg(v);
  std::int64_t c = 0;
  const bool fixed = constant(inst.b, c);
  const auto count = static_cast<unsigned>(c) & (bits - 1);
  if (inst.op == Op::rotl || inst.op == Op::rotr) {
    if (fixed) {
      const Source s = operand(inst.a, size);
      return build(MOp::rorx, size)
          .rm(s)
          .imm(inst.op == Op::rotr ? count : (bits - count) & (bits - 1))
          .def(def)
          .end();
    }
    const MOp op = inst.op == Op::rotl ? MOp::rol_cl : MOp::ror_cl;
    return build(op, size).use(vreg(inst.a)).use(vreg(inst.b), rcx).reuse(def).end();
  }
  if (fixed) {
    const MOp op = inst.op == Op::shl ? MOp::shl_ri : inst.op == Op::shr_u ? MOp::shr_ri : MOp::sar_ri;
    if (inst.op == Op::shl && count == 1) {
      Source s;
      s.kind = MemKind::address;
      s.base = s.index = vreg(inst.a);
      return build(MOp::lea, size).rm(s).def(def).end();
    }
    return build(op, size).use(vreg(inst.a)).imm(count).reuse(def).end();
  }
  const VReg amount = vreg(inst.b);
  const Source s = operand(inst.a, size);
  const MOp op = inst.op == Op::shl ? MOp::shlx : inst.op == Op::shr_u ? MOp::shrx : MOp::sarx;
  build(op, size).use(amount).rm(s).def(def).end();
}

void Selector::lower_unary(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  MOp op = MOp::lzcnt;
  unsigned from = size;
  switch (inst.op) {
    case Op::ctz: op = MOp::tzcnt; break;
    case Op::popcnt: op = MOp::popcnt; break;
    case Op::extend8_s: op = MOp::movsx8, from = 1; break;
    case Op::extend16_s: op = MOp::movsx16, from = 2; break;
    case Op::extend32_s:
    case Op::extend_s: op = MOp::movsxd, from = 4; break;
    default: break;
  }
  // Loads of i32 and i64 are as wide as the instruction reads only where no narrowing is involved.
  const bool narrows = inst.op == Op::extend8_s || inst.op == Op::extend16_s || inst.op == Op::extend32_s;
  const Source s = narrows ? reg_operand(vreg(inst.a), from) : operand(inst.a, from);
  build(op, size).rm(s).def(vreg(v)).end();
}

void Selector::lower_int(Value v, const ir::Inst& inst) {
  switch (inst.op) {
    case Op::add: return lower_add(v, inst);
    case Op::sub:
    case Op::and_:
    case Op::or_:
    case Op::xor_: return lower_binary(v, inst);
    case Op::mul: return lower_mul(v, inst);
    case Op::shl:
    case Op::shr_s:
    case Op::shr_u:
    case Op::rotl:
    case Op::rotr: return lower_shift(v, inst);
    case Op::wrap: return build(MOp::mov_rm, 4).rm(reg_operand(vreg(inst.a), 4)).def(vreg(v)).end();
    case Op::clz:
    case Op::ctz:
    case Op::popcnt:
    case Op::extend8_s:
    case Op::extend16_s:
    case Op::extend32_s:
    case Op::extend_s: return lower_unary(v, inst);
    default: NB_ASSERT(false);
  }
}

}  // namespace nebulet::wasm::x64
