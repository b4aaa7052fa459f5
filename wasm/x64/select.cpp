// SPDX-License-Identifier: MIT
#include "wasm/x64/select.h"

#include <algorithm>

#include "wasm/ir/vector.h"
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

Selector::Selector(const ir::Function& function, const Module& module, const ContextLayout& layout,
                   Arena& arena, std::uint64_t most)
    : ir_(function),
      module_(module),
      layout_(layout),
      arena_(arena),
      most_(most),
      out_(arena),
      back_(arena) {}

Selector::Build& Selector::Build::rm(const Source& source) {
  if (source.kind == MemKind::none) {
    const auto where = source.slot ? mir::Constraint::reg_or_slot : mir::Constraint::reg;
    return add({source.base, where, mir::Role::use, {}, 0});
  }
  Aux aux = Aux(inst_.aux).mem(source.kind);
  inst_.disp = source.disp;
  if (source.kind == MemKind::constant && source.wide_constant) {
    aux = aux.wide_constant();
  } else if (source.kind == MemKind::constant) {
    aux = aux.constant_bytes(source.constant_bytes);
    inst_.imm = source.constant;
  }
  if (source.base.valid()) {
    aux = aux.base();
    use(source.base);
  }
  if (source.index.valid()) {
    aux = aux.index(source.scale);
    use(source.index);
  }
  if (source.traps) {
    aux = aux.trap(source.trap);
    inst_.position = source.position;
  }
  inst_.aux = aux.bits;
  return *this;
}

// Aliases, use counts, epochs and zero-extension knowledge, in one walk in dominance order.
void Selector::analyze() {
  const std::uint32_t count = ir_.insts.size();
  alias_ = arena_.allocate_array<Value>(count);
  uses_ = arena_.allocate_array<std::uint32_t>(count, 0);
  epoch_ = arena_.allocate_array<std::uint32_t>(count, 0);
  block_of_ = arena_.allocate_array<std::uint32_t>(count, 0);
  vregs_ = arena_.allocate_array<VReg>(count, VReg{});
  fused_ = arena_.allocate_array<bool>(count, false);
  unread_ = arena_.allocate_array<std::uint16_t>(count, std::uint16_t{0});
  zero_extended_ = arena_.allocate_array<bool>(count, false);
  for (std::uint32_t v = 0; v < count; ++v) alias_[v] = Value(v);
  std::uint32_t epoch = 0;
  for (std::uint32_t b = 0; b < ir_.blocks.size(); ++b) {
    ++epoch;
    for (Value v : ir_.body(ir::Block(b))) {
      const ir::Inst& inst = ir_[v];
      block_of_[v.index] = b;
      epoch_[v.index] = epoch;
      if (inst.op != Op::load &&
          ir::has_effect(inst.op, ir::kTraps | ir::kWritesMemory | ir::kWritesState | ir::kCalls))
        ++epoch;
      switch (inst.op) {
        case Op::copy:
        case Op::ref_bits:
        case Op::extend_u: alias_[v.index] = alias_[inst.a.index]; break;
        case Op::wrap:
          if (zero_extended_[alias_[inst.a.index].index]) alias_[v.index] = alias_[inst.a.index];
          break;
        case Op::load:
          zero_extended_[v.index] =
              inst.type == Type::i64 && (inst.access == ir::Access::u8 || inst.access == ir::Access::u16 ||
                                         inst.access == ir::Access::u32);
          break;
        case Op::iconst: zero_extended_[v.index] = inst.bits <= 0xffffffff; break;
        default: break;
      }
      // An alias of a 32-bit value is one.
      if (alias_[v.index] == v && (inst.type == Type::i32 || ir::is_ref(inst.type)))
        zero_extended_[v.index] = true;
    }
    for (Value v : ir_.params(ir::Block(b))) {
      block_of_[v.index] = b;
      zero_extended_[v.index] = ir_[v].type == Type::i32 || ir::is_ref(ir_[v].type);
    }
  }
  for (std::uint32_t i = 0; i < ir_.order.size(); ++i) {
    const Value v = ir_.order[i];
    const ir::Inst& inst = ir_[v];
    if (alias_[v.index] != v) continue;
    const unsigned operands = ir::info(inst.op).operands;
    if (operands > 0) ++uses_[alias_[inst.a.index].index];
    if (operands > 1) ++uses_[alias_[inst.b.index].index];
    if (operands > 2) ++uses_[alias_[inst.c.index].index];
    if (ir::has_operand_list(inst.op))
      for (Value arg : ir_.args(inst)) ++uses_[alias_[arg.index].index];
  }
  for (const ir::EdgeData& edge : ir_.edges)
    for (Value arg : ir_.values(edge.args, edge.count)) ++uses_[alias_[arg.index].index];
}

VReg Selector::new_vreg(Type type) {
  mir::VRegInfo info;
  info.reg_class = is_vec(type) ? mir::RegClass::vec : mir::RegClass::gpr;
  info.width = static_cast<std::uint8_t>(size_of(type));
  info.zero_extended = type == Type::i32 || ir::is_ref(type);
  info.traced = type == Type::ref;
  out_.vregs.push_back(info);
  return VReg(out_.vregs.size() - 1);
}

VReg Selector::new_gpr(unsigned width, bool zero_extended) {
  mir::VRegInfo info;
  info.width = static_cast<std::uint8_t>(width);
  info.zero_extended = zero_extended;
  out_.vregs.push_back(info);
  return VReg(out_.vregs.size() - 1);
}

VReg Selector::vreg(Value value) {
  const Value v = resolve(value);
  VReg& r = vregs_[v.index];
  if (r.valid()) return r;
  r = new_vreg(ir_[v].type);
  if (zero_extended_[v.index] && !is_vec(ir_[v].type)) {
    out_.vregs[r.index].width = 4;
    out_.vregs[r.index].zero_extended = true;
  }
  const Op op = ir_[v].op;
  if (op == Op::iconst || op == Op::fconst || op == Op::vconst || op == Op::gc_type)
    out_.vregs[r.index].rematerializable = true;
  return r;
}

bool Selector::constant(Value value, std::int64_t& out) const {
  const Value original = value;
  const ir::Inst& inst = ir_[resolve(value)];
  if (inst.op != Op::iconst) return false;
  // The constant of an extended or wrapped i32 is the zero-extended one; of an i32 itself the sign-extended
  // one.
  out = ir_[original].type == Type::i64 ? inst.imm : static_cast<std::int32_t>(inst.imm);
  return true;
}

VReg Selector::immediate(std::uint64_t value, unsigned size) {
  if (size == 4) value &= 0xffffffff;
  const bool small = value <= 0xffffffff;
  const VReg r = new_gpr(small ? 4 : 8, small);
  out_.vregs[r.index].rematerializable = true;
  build(MOp::mov_imm, size).imm(static_cast<std::int64_t>(value)).def(r).end();
  return r;
}

void Selector::lower(Value v, const ir::Inst& inst) {
  switch (inst.op) {
    case Op::nop:
    case Op::param:
    case Op::result:
    case Op::copy:
    case Op::ref_bits:
    case Op::extend_u: return;
    case Op::iconst: return build(MOp::mov_imm, Aux::size(8).flags_dead()).imm(inst.imm).def(vreg(v)).end();
    case Op::vconst: return lower_vector(v, inst);
    case Op::fconst:
    case Op::convert_s:
    case Op::convert_u:
    case Op::promote:
    case Op::demote:
    case Op::reinterpret:
    case Op::fadd:
    case Op::fsub:
    case Op::fmul:
    case Op::fdiv:
    case Op::fcopysign:
    case Op::fabs:
    case Op::fneg:
    case Op::fceil:
    case Op::ffloor:
    case Op::ftrunc:
    case Op::fnearest:
    case Op::fsqrt: return lower_float(v, inst);
    case Op::fmin:
    case Op::fmax: return lower_min_max(v, inst);
    case Op::trunc_s:
    case Op::trunc_u: return lower_trunc(v, inst);
    case Op::trunc_sat_s:
    case Op::trunc_sat_u: return lower_trunc_sat(v, inst);
    case Op::div_s:
    case Op::div_u:
    case Op::rem_s:
    case Op::rem_u: return lower_div(v, inst);
    case Op::eqz:
    case Op::eq:
    case Op::ne:
    case Op::lt_s:
    case Op::lt_u:
    case Op::gt_s:
    case Op::gt_u:
    case Op::le_s:
    case Op::le_u:
    case Op::ge_s:
    case Op::ge_u:
    case Op::feq:
    case Op::fne:
    case Op::flt:
    case Op::fgt:
    case Op::fle:
    case Op::fge: return lower_compare(v, inst);
    case Op::select: return lower_select(v, inst);
    case Op::load: return lower_load(v, inst);
    case Op::store: return lower_store(inst);
    case Op::global_get: return lower_global_get(v, inst);
    case Op::global_set: return lower_global_set(inst);
    case Op::atomic_load:
    case Op::atomic_store:
    case Op::atomic_add:
    case Op::atomic_sub:
    case Op::atomic_xchg:
    case Op::atomic_cmpxchg: return lower_atomic(v, inst);
    case Op::atomic_fence: return build(MOp::mfence, 8).end();
    case Op::add128_high:
    case Op::sub128_high:
    case Op::mul_high_s:
    case Op::mul_high_u: return lower_wide(v, inst);
    case Op::narrow: return lower_narrow(v, inst);
    case Op::memory_size:
      return build(MOp::memory_pages, size_of(inst.type))
          .disp(static_cast<std::int32_t>(layout_.memory_pages(static_cast<std::uint32_t>(inst.imm))))
          .def(vreg(v))
          .end();
    case Op::table_size:
      return build(MOp::table_size, 8)
          .disp(static_cast<std::int32_t>(layout_.table(static_cast<std::uint32_t>(inst.imm))))
          .def(vreg(v))
          .end();
    case Op::ref_func: {
      Source base;
      base.kind = MemKind::context;
      base.disp = static_cast<std::int32_t>(offsetof(InstanceContext, ref_base));
      const VReg t = new_gpr(4, true);
      build(MOp::mov_rm, 4).rm(base).def(t).end();
      return build(MOp::add_ri, 4).use(t).imm(inst.imm).reuse(vreg(v)).end();
    }
    case Op::memory_grow:
    case Op::memory_fill:
    case Op::memory_copy:
    case Op::memory_init:
    case Op::data_drop:
    case Op::table_get:
    case Op::table_set:
    case Op::table_grow:
    case Op::table_fill:
    case Op::table_copy:
    case Op::table_init:
    case Op::throw_ref:
    case Op::elem_drop:
    case Op::atomic_bits:
    case Op::atomic_wait:
    case Op::atomic_notify:
    case Op::func_test:
    case Op::indirect_callee: return lower_builtin(v, inst);
    case Op::trap_if: return lower_trap_if(inst);
    case Op::cell_get: return lower_cell_get(v, inst);
    case Op::cell_set: return lower_cell_set(inst);
    case Op::lands_at: return build(MOp::lands_at, Aux()).imm(inst.imm).end();
    case Op::call:
    case Op::call_indirect:
    case Op::call_ref: return lower_call(v, inst);
    case Op::br:
    case Op::br_if:
    case Op::br_table:
    case Op::return_:
    case Op::trap: return lower_terminator(inst);
    case Op::throw_: return lower_throw(inst);
    case Op::catch_: return lower_catch(v, inst);
    case Op::landing: return lower_landing(v);
    case Op::tag_id: return lower_tag_id(v, inst);
    case Op::on_throw: return build(MOp::on_throw, Aux()).flags(mir::kTerminator | mir::kThrows).end();
    case Op::return_call:
    case Op::return_call_indirect:
    case Op::return_call_ref: return lower_tail_call(inst);
    default:
      if (ir::is_vector_op(inst.op)) return lower_vector(v, inst);
      if (!lower_gc(v, inst)) lower_int(v, inst);
  }
}

void Selector::select_block(ir::Block block) {
  block_ = block.index;
  const std::uint32_t begin = back_.size();
  const ir::BlockData& data = ir_[block];
  for (std::uint32_t i = data.count; i-- > 0;) {
    order_ = data.first + i;
    const Value v = ir_.order[order_];
    const ir::Inst& inst = ir_[v];
    // A load may trap, so it is executed even if nobody wants its value.
    const bool needed = (wanted(v) && alias_[v.index] == v) ||
                        ir::info(inst.op).effects & ~(ir::kReadsState | ir::kReadsMemory);
    if (!needed || fused_[v.index]) continue;
    now_ = epoch_[v.index];
    position_ = ir_.positions[v.index];
    const std::uint32_t mark = back_.size();
    lower(v, inst);
    std::reverse(back_.begin() + mark, back_.end());
    if (back_.size() > most_) [[unlikely]]
      return;
  }
  if (block.index == 0 || ir_.is_segment) {
    const std::uint32_t mark = back_.size();
    if (block.index == 0 && !ir_.continues) lower_entry();
    load_bases();
    std::reverse(back_.begin() + mark, back_.end());
    // Blocks of a segment pass no values to each other, the bases of memories neither.
    std::ranges::fill(bases_, VReg{});
  }
  ranges_[block.index] = {begin, back_.size()};
}

// Puts the blocks into their final order: cold ones behind the others.
mir::Function Selector::assemble() {
  const std::uint32_t count = ir_.blocks.size();
  auto layout = arena_.allocate_array<std::uint32_t>(count);
  auto place = arena_.allocate_array<std::uint32_t>(count);
  std::uint32_t n = 0;
  for (std::uint32_t b = 0; b < count; ++b)
    if (b == 0 || !ir_.blocks[b].cold) layout[n++] = b;
  for (std::uint32_t b = 1; b < count; ++b)
    if (ir_.blocks[b].cold) layout[n++] = b;
  for (std::uint32_t i = 0; i < count; ++i) place[layout[i]] = i;
  auto mapped = [&](ir::Block b) { return b.valid() ? mir::Block(place[b.index]) : mir::Block(); };

  out_.insts.reserve(back_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const ir::BlockData& from = ir_.blocks[layout[i]];
    mir::BlockData to;
    to.first = out_.insts.size();
    const Range range = ranges_[layout[i]];
    for (std::uint32_t k = range.end; k-- > range.begin;) out_.insts.push_back(back_[k]);
    to.count = out_.insts.size() - to.first;
    to.params = out_.pool.size();
    if (layout[i] != 0)
      for (Value param : ir_.params(ir::Block(layout[i]))) out_.pool.push_back(vregs_[param.index].index);
    to.param_count = out_.pool.size() - to.params;
    to.succs = out_.edges.size();
    const ir::Inst& terminator = ir_[ir_.terminator(ir::Block(layout[i]))];
    to.succ_count = ir::edge_count(terminator);
    for (std::uint32_t s = 0; s < to.succ_count; ++s) {
      const ir::EdgeData& edge = ir_[ir::edge_at(terminator, s)];
      mir::EdgeData e;
      e.to = mapped(edge.to);
      // Only blocks with one successor pass arguments.
      NB_ASSERT(edge.count == 0 || terminator.op == Op::br);
      e.args = edge_args_[layout[i]];
      e.count = edge.count;
      out_.edges.push_back(e);
    }
    to.preds = out_.pool.size();
    to.pred_count = from.pred_count;
    for (std::uint32_t p = 0; p < from.pred_count; ++p)
      out_.pool.push_back(place[ir_.edges[ir_.pool[from.preds + p]].from.index]);
    to.idom = mapped(from.idom);
    to.loop_header = mapped(from.loop_header);
    to.loop_depth = from.loop_depth;
    to.cold = from.cold;
    out_.blocks.push_back(to);
  }
  return std::move(out_);
}

mir::Function Selector::run() {
  analyze();
  bases_ = arena_.allocate_array<VReg>(module_.memories.size() + 1, VReg{});
  ranges_ = arena_.allocate_array<Range>(ir_.blocks.size());
  edge_args_ = arena_.allocate_array<std::uint32_t>(ir_.blocks.size(), 0);
  for (std::uint32_t b = 1; b < ir_.blocks.size(); ++b)
    for (Value param : ir_.params(ir::Block(b))) vreg(param);
  for (std::uint32_t b = ir_.blocks.size(); b-- > 0;) {
    select_block(ir::Block(b));
    if (back_.size() > most_) return mir::Function(arena_);
  }
  return ir_.is_segment ? assemble_segment() : assemble();
}

mir::Function select(const ir::Function& function, const Module& module, const ContextLayout& layout,
                     Arena& arena, std::uint64_t most) {
  return Selector(function, module, layout, arena, most).run();
}

}  // namespace nebulet::wasm::x64
