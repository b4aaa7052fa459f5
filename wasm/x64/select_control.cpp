// SPDX-License-Identifier: MIT
// Comparisons, selects and terminators. A comparison is done where its result is needed, in the flags.
#include <bit>

#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

bool is_int_compare(Op op) { return op >= Op::eq && op <= Op::ge_u; }
bool is_float_compare(Op op) { return op >= Op::feq && op <= Op::fge; }

Cond int_cond(Op op) {
  switch (op) {
    case Op::eq: return Cond::e;
    case Op::ne: return Cond::ne;
    case Op::lt_s: return Cond::l;
    case Op::lt_u: return Cond::b;
    case Op::gt_s: return Cond::g;
    case Op::gt_u: return Cond::a;
    case Op::le_s: return Cond::le;
    case Op::le_u: return Cond::be;
    case Op::ge_s: return Cond::ge;
    default: return Cond::ae;
  }
}

Cond unsigned_cond(Cond c) {
  switch (c) {
    case Cond::l: return Cond::b;
    case Cond::g: return Cond::a;
    case Cond::le: return Cond::be;
    case Cond::ge: return Cond::ae;
    default: return c;
  }
}

}  // namespace

/// Compares v with 0: flags of `test`.
Cond Selector::compare_zero(Value value, unsigned size, bool single_use) {
  const Value v = resolve(value);
  const ir::Inst& inst = at(v);
  std::int64_t c = 0;
  if (inst.op == Op::and_ && size_of(inst.type) == size && may_sink(v) && !wanted(v)) {
    if (constant(inst.b, c)) {
      // With a mask below 2^31 the upper half does not matter.
      const bool low = c >= 0 && c <= 0x7fffffff;
      if (low || (size == 4 && c == static_cast<std::int32_t>(c))) {
        Source s;
        if (!(single_use && once(v) && fuse_load(inst.a, size, s))) s = reg_operand(vreg(inst.a), 4);
        build(MOp::test_ri, s.kind == MemKind::none ? 4 : size).rm(s).imm(c).end();
        return Cond::e;
      }
      if (size == 8 && std::has_single_bit(static_cast<std::uint64_t>(c))) {
        const VReg r = vreg(inst.a);
        build(MOp::bt_ri, 8)
            .rm(reg_operand(r, 64))
            .imm(std::countr_zero(static_cast<std::uint64_t>(c)))
            .end();
        return Cond::ae;
      }
    } else {
      const VReg a = vreg(inst.a);
      Source s;
      if (!(single_use && once(v) && fuse_load(inst.b, size, s))) s = reg_operand(vreg(inst.b), size);
      build(MOp::test_rm, size).use(a).rm(s).end();
      return Cond::e;
    }
  }
  if (single_use && compare_byte(v, 0, single_use)) return Cond::e;
  Source s;
  if (single_use && fuse_load(v, size, s)) {
    build(MOp::cmp_ri, size).rm(s).imm(0).end();
    return Cond::e;
  }
  const VReg r = vreg(v);
  s = reg_operand(r, 0);
  s.slot = false;
  build(MOp::test_rm, size).use(r).rm(s).end();
  return Cond::e;
}

/// cmp byte [m], value for a load of one unsigned byte. The conditions are then unsigned.
bool Selector::compare_byte(Value value, std::int64_t c, bool single_use) {
  const Value v = resolve(value);
  const ir::Inst& inst = at(v);
  if (!single_use || !can_fuse_load(v) || inst.access != ir::Access::u8 || c < 0 || c > 0xff) return false;
  fused_[v.index] = true;
  Source s = address(inst, 1);
  s.position = ir_.positions[v.index];
  build(MOp::cmp_ri, 1).rm(s).imm(static_cast<std::int8_t>(c)).end();
  return true;
}

/// Emits the comparison `inst` of integers; `single_use` says that it is emitted nowhere else, so that it may
/// take loads.
Cond Selector::compare(const ir::Inst& inst, bool single_use) {
  const unsigned size = size_of(at(inst.a).type);
  if (inst.op == Op::eqz) return compare_zero(inst.a, size, single_use);
  Cond cond = int_cond(inst.op);
  Value a = inst.a, b = inst.b;
  std::int64_t c = 0;
  if (constant(a, c)) {
    std::swap(a, b);
    cond = exchange(cond);
  }
  if (constant(b, c)) {
    if (c == 0 && (cond == Cond::e || cond == Cond::ne)) {
      const Cond zero = compare_zero(a, size, single_use);
      return cond == Cond::e ? zero : negate(zero);
    }
    if (c == 0 && (cond == Cond::l || cond == Cond::ge)) {
      const VReg r = vreg(a);
      Source s = reg_operand(r, 0);
      s.slot = false;
      build(MOp::test_rm, size).use(r).rm(s).end();
      return cond == Cond::l ? Cond::s : Cond::ns;
    }
    if (compare_byte(a, c, single_use)) return unsigned_cond(cond);
    if (c == static_cast<std::int32_t>(c)) {
      Source s;
      if (!(single_use && fuse_load(a, size, s))) s = reg_operand(vreg(a), size);
      build(MOp::cmp_ri, size).rm(s).imm(c).end();
      return cond;
    }
  }
  if (single_use && can_fuse_load(a) && !can_fuse_load(b)) {
    const VReg r = vreg(b);
    Source s;
    if (fuse_load(a, size, s)) {
      build(MOp::cmp_mr, size).use(r).rm(s).end();
      return cond;
    }
  }
  const VReg left = vreg(a);
  Source s;
  if (!(single_use && fuse_load(b, size, s))) s = reg_operand(vreg(b), size);
  build(MOp::cmp_rm, size).use(left).rm(s).end();
  return cond;
}

/// vucomis sets CF for "less or unordered", so "greater" is the question that NaN answers with no.
Cond Selector::compare_float(const ir::Inst& inst, bool single_use) {
  const unsigned size = size_of(at(inst.a).type);
  Value a = inst.a, b = inst.b;
  if (inst.op == Op::flt || inst.op == Op::fle) std::swap(a, b);
  const VReg left = vreg(a);
  const ir::Inst& right = at(resolve(b));
  Source s;
  if (right.op == Op::fconst)
    s = float_constant(right.bits, size);
  else if (!(single_use && fuse_load(b, size, s)))
    s = reg_operand(vreg(b), size);
  build(MOp::vucomi, size).use(left).rm(s).end();
  switch (inst.op) {
    case Op::feq: return Cond::ordered_e;
    case Op::fne: return Cond::unordered_ne;
    case Op::flt:
    case Op::fgt: return Cond::a;
    default: return Cond::ae;
  }
}

/// Sets the flags so that the answer holds if the i32 is not 0.
Cond Selector::condition(Value value) {
  Value v = resolve(value);
  bool inverted = false, single = true;
  auto answer = [&](Cond c) { return inverted ? negate(c) : c; };
  for (int depth = 0; depth < 4; ++depth) {
    const ir::Inst& inst = at(v);
    const bool sinkable = may_sink(v);
    single = single && once(v) && !wanted(v);
    if (inst.op == Op::eqz && sinkable) {
      const ir::Inst& inner = at(resolve(inst.a));
      if ((is_int_compare(inner.op) || is_float_compare(inner.op) || inner.op == Op::eqz ||
           is_vector_test(resolve(inst.a))) &&
          may_sink(resolve(inst.a))) {
        inverted = !inverted;
        v = resolve(inst.a);
        continue;
      }
      return answer(compare(inst, single));
    }
    if (is_int_compare(inst.op) && sinkable) return answer(compare(inst, single));
    if (is_float_compare(inst.op) && sinkable) return answer(compare_float(inst, single));
    if (is_vector_test(v)) return answer(vector_test(inst));
    break;
  }
  return answer(negate(compare_zero(v, 4, once(v))));
}

void Selector::lower_compare(Value v, const ir::Inst& inst) {
  const VReg def = vreg(v);
  if (is_float_compare(inst.op) && (inst.op == Op::feq || inst.op == Op::fne)) {
    const unsigned size = size_of(at(inst.a).type);
    constexpr unsigned kEqual = 0, kNotEqual = 4;
    const VReg a = vreg(inst.a);
    const Source s = operand(inst.b, size);
    const VReg mask = compare_mask(inst.op == Op::feq ? kEqual : kNotEqual, size, a, s),
               bits = new_gpr(4, true);
    build(MOp::vmov_to_gpr, 4).use(mask).def(bits).end();
    return build(MOp::and_ri, 4).use(bits).imm(1).reuse(def).end();
  }
  const Cond cond = is_float_compare(inst.op) ? compare_float(inst, true) : compare(inst, true);
  build(MOp::setcc, Aux::size(4).cond(cond)).def(def).end();
}

void Selector::lower_select(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  const VReg def = vreg(v);
  if (is_vec(inst.type)) {
    const VReg yes = vreg(inst.a), no = vreg(inst.b);
    const MOp blend = size == 4 ? MOp::vblendv_ps : MOp::vblendv_pd;
    const ir::Inst& test = at(resolve(inst.c));
    VReg mask;
    if (is_float_compare(test.op) && may_sink(resolve(inst.c)) && size_of(at(test.a).type) == size &&
        size != 16) {
      Value a = test.a, b = test.b;
      unsigned predicate = test.op == Op::feq ? 0 : test.op == Op::fne ? 4 : 1;  // equal, not equal, less
      if (test.op == Op::fgt || test.op == Op::fge) std::swap(a, b);
      if (test.op == Op::fle || test.op == Op::fge) predicate = 2;
      const VReg left = vreg(a);
      mask = compare_mask(predicate, size, left, reg_operand(vreg(b), size));
    } else {
      // All bits of the mask are the condition.
      const VReg zero = immediate(0, 4), ones = immediate(~std::uint64_t{0}, 8);
      const Cond cond = condition(inst.c);
      mask = new_vreg(size == 4 ? Type::f32 : size == 8 ? Type::f64 : Type::v128);
      VReg chosen = new_gpr(8, false);
      if (cond == Cond::ordered_e) {
        const VReg some = new_gpr(8, false);
        build(MOp::cmov, Aux::size(8).cond(Cond::ne)).use(ones).rm(reg_operand(zero, 8)).reuse(some).end();
        build(MOp::cmov, Aux::size(8).cond(Cond::p)).use(some).rm(reg_operand(zero, 8)).reuse(chosen).end();
      } else if (cond == Cond::unordered_ne) {
        const VReg some = new_gpr(8, false);
        build(MOp::cmov, Aux::size(8).cond(Cond::ne)).use(zero).rm(reg_operand(ones, 8)).reuse(some).end();
        build(MOp::cmov, Aux::size(8).cond(Cond::p)).use(some).rm(reg_operand(ones, 8)).reuse(chosen).end();
      } else {
        build(MOp::cmov, Aux::size(8).cond(cond)).use(zero).rm(reg_operand(ones, 8)).reuse(chosen).end();
      }
      build(MOp::vmov_from_gpr, size == 4 ? 4 : 8).rm(reg_operand(chosen, 8)).def(mask).end();
    }
    if (size == 16) {
      // The mask was made in the low half.
      const VReg both = new_vreg(Type::v128);
      build(MOp::vmovddup, 4).rm(reg_operand(mask, 8)).def(both).end();
      mask = both;
    }
    Source s = reg_operand(yes, 16);
    return build(blend, size).use(no).use(mask).rm(s).def(def).end();
  }
  const VReg yes = vreg(inst.a), no = vreg(inst.b);
  const Cond cond = condition(inst.c);
  auto cmov = [&](Cond c, VReg from, VReg otherwise, VReg to) {
    build(MOp::cmov, Aux::size(size).cond(c)).use(otherwise).rm(reg_operand(from, size)).reuse(to).end();
  };
  if (cond != Cond::ordered_e && cond != Cond::unordered_ne) return cmov(cond, yes, no, def);
  const VReg some = new_gpr(size, size == 4);
  const bool equal = cond == Cond::ordered_e;
  cmov(Cond::ne, equal ? no : yes, equal ? yes : no, some);
  cmov(Cond::p, equal ? no : yes, some, def);
}

void Selector::lower_trap_if(const ir::Inst& inst) {
  const Aux aux = Aux().trap(static_cast<ir::Trap>(inst.imm));
  Value compared = resolve(inst.a);
  for (int depth = 0; depth < 4 && at(compared).op == Op::eqz; ++depth) compared = resolve(at(compared).a);
  if (is_float_compare(at(compared).op)) {
    // Some of their conditions take two jumps, the branch to a trap is one.
    const VReg answer = vreg(inst.a);
    build(MOp::test_rm, 4).use(answer).rm(reg_operand(answer, 0)).end();
    return build(MOp::trap_if, Aux(aux).cond(Cond::ne)).end();
  }
  const Cond cond = condition(inst.a);
  build(MOp::trap_if, Aux(aux).cond(cond)).end();
}

void Selector::lower_terminator(const ir::Inst& inst) {
  switch (inst.op) {
    case Op::return_: return lower_return(inst);
    case Op::trap:
      return build(MOp::trap, Aux().trap(static_cast<ir::Trap>(inst.imm))).flags(mir::kTerminator).end();
    default: break;
  }
  if (inst.op == Op::br) {
    const ir::EdgeData& edge = ir_[ir::edge_at(inst, 0)];
    edge_args_[block_] = out_.pool.size();
    for (Value arg : ir_.values(edge.args, edge.count)) {
      // A parameter of 8 bytes cannot be initialized by a move of a register that is spilled with 4.
      std::int64_t c = 0;
      const bool wide_constant = ir_[arg].type == Type::i64 && constant(arg, c);
      VReg r = wide_constant ? new_gpr(8, static_cast<std::uint64_t>(c) <= 0xffffffff) : vreg(arg);
      if (wide_constant) {
        out_.vregs[r.index].rematerializable = true;
        build(MOp::mov_imm, 8).imm(c).def(r).end();
      } else if (ir_[arg].type == Type::i64 && out_.vregs[r.index].width == 4) {
        const VReg wide = new_gpr(8, true);
        build(MOp::mov_rm, 4).rm(reg_operand(r, 4)).def(wide).end();
        r = wide;
      }
      out_.pool.push_back(r.index);
    }
    return build(MOp::jump, Aux()).flags(mir::kTerminator).end();
  }
  if (inst.op == Op::br_if) {
    const Cond cond = condition(inst.a);
    return build(MOp::branch, Aux().cond(cond)).flags(mir::kTerminator).end();
  }
  const VReg index = vreg(inst.a);
  build(MOp::switch_, 8)
      .use(index)
      .temp(new_gpr(4, true))
      .temp(new_gpr(8, false))
      .flags(mir::kTerminator)
      .end();
}

}  // namespace nebulet::wasm::x64
