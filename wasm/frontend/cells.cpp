// SPDX-License-Identifier: MIT
#include "wasm/frontend/cells.h"

#include "wasm/frontend/ssa.h"

namespace nebulet::wasm {

using ir::Block;
using ir::Edge;
using ir::Op;
using ir::Type;
using ir::Value;

CellBuilder::CellBuilder(const Module& module, ir::Function& function, Fuel& fuel, Arena& keep,
                         const SegmentSink& sink)
    : module_(module),
      f_(function),
      fuel_(fuel),
      sink_(sink),
      labels_(keep, Growth::gives_back),
      segment_labels_(keep),
      locals_(keep),
      dirty_(keep),
      open_(keep, Growth::gives_back),
      aliases_(keep, Growth::gives_back),
      detours_(keep),
      detour_args_(keep),
      moved_(keep),
      is_reference_(keep),
      references_(keep) {}

void CellBuilder::begin(const Locals& locals, std::span<const ValType> params) {
  locals_count_ = cells_ = locals.size();
  begin_block(make_block());  // also if it fails: the walk goes on to the end of its step
  locals_.reserve(locals_count_);
  for (std::uint32_t i = 0; i < locals_count_; ++i) {
    locals_.push_back({.type = ir_type(locals[i], module_)});
    // After a failure the walk takes one more step, which needs all of this.
    if (locals_.back().type == Type::ref) note_reference(i);
    if (locals_.back().type == Type::v128 && sink_.cell_bytes < 16) fail(wide_cells_needed());
  }
  ir::BlockData& entry = f_.blocks[0];
  entry.params = f_.pool.size();
  entry.param_count = static_cast<std::uint32_t>(params.size());
  for (std::uint32_t i = 0; i < params.size(); ++i)
    f_.pool.push_back(f_.add({.op = Op::param, .type = locals_[i].type, .imm = i}, position_).index);
  for (std::uint32_t i = 0; i < params.size(); ++i) write(i, Value(f_.pool[entry.params + i]));
  write_back();
  for (auto i = static_cast<std::uint32_t>(params.size()); i < locals_count_; ++i) {
    append({.op = Op::cell_set, .type = locals_[i].type, .a = zero(locals_[i].type), .imm = offset_of(i)});
    if (is_large()) cut(std::span<Slot<Value>>());
  }
}

Value CellBuilder::zero(Type type) {
  ir::Inst inst{.op = Op::iconst, .type = type, .imm = 0};
  if (type == Type::f32 || type == Type::f64) inst.op = Op::fconst;
  if (type == Type::v128) inst.op = Op::vconst;
  return append(inst);
}

void CellBuilder::finish() {
  end_segment();
  if (status_) status_ = sink_.finish(sink_.state, aliases_.span(), cells_, references_.span());
}

void CellBuilder::fail(Error error) {
  if (status_) status_ = std::unexpected(std::move(error));
  fuel_.spend(~std::uint64_t{0});  // ends the walk
}

/// One stack map for all calls names every cell that ever holds a reference.
void CellBuilder::note_reference(std::uint32_t cell) {
  if (cell >= is_reference_.size()) is_reference_.resize(cell + 1, false);
  if (is_reference_[cell]) return;
  is_reference_[cell] = true;
  references_.push_back(cell);
}

Block CellBuilder::make_block() {
  fuel_.spend(kBlockCost);
  labels_.push_back({});
  return Block(labels_.size() - 1);
}

void CellBuilder::begin_block(Block label) {
  ++block_number_;
  dirty_.clear();  // left over from a block that ended without a successor
  first_value_ = f_.insts.size();
  f_.blocks.push_back({.first = f_.order.size()});
  segment_labels_.push_back(label.index);
}

void CellBuilder::start(Block label) {
  // First what the terminator before leaves to do on the way to other heights.
  for (std::uint32_t i = 0; i < detours_.size(); ++i) {
    const Detour detour = detours_[i];
    if (is_large()) end_segment();
    begin_block(detour.block);
    jump(detour.to, detour_args_.slice(detour.args, detour.count));
  }
  detours_.clear();
  detour_args_.clear();
  if (is_large()) end_segment();
  begin_block(label);
}

void CellBuilder::end_segment() {
  if (!status_ || fuel_.exhausted()) return;
  if (auto done = sink_.segment(sink_.state, f_, segment_labels_.span()); !done)
    return fail(std::move(done).error());
  const std::uint32_t index = f_.index;
  Arena& arena = *f_.arena;
  edge_base_ += f_.edges.size();
  arena.reset();
  f_ = ir::Function(arena);
  f_.index = index;
  f_.is_segment = true;
  f_.continues = true;
  segment_labels_.clear();
  first_value_ = 0;
}

Value CellBuilder::append(const ir::Inst& inst) {
  const Value value = f_.add(inst, position_);
  f_.order.push_back(value);
  f_.blocks.back().count++;
  return value;
}

Value CellBuilder::emit(const ir::Inst& inst) {
  fuel_.spend(kInstCost + (ir::has_operand_list(inst.op) || inst.op == Op::br_table ? inst.count : 0));
  ir::Inst used = inst;
  used.a = use(inst.a);
  used.b = use(inst.b);
  used.c = use(inst.c);
  if (is_protected_ && has_effect(inst.op, ir::kCalls)) write_back();
  if (has_effect(inst.op, ir::kTerminator)) {
    if (ir::edge_count(inst) != 0) {
      write_back();
      used.imm -= edge_base_;
    }
    any_edge_ = false;
  }
  return append(used);
}

Value CellBuilder::use(Value v) {
  if (!v.valid()) return v;
  if (!in_cell(v)) {
    if (v.index < first_value_ || v.index >= f_.insts.size()) {
      fail({Error::Kind::limit, position_, "function is too large for this combination of features"});
      return zero(Type::i32);  // for the rest of the step
    }
    return v;
  }
  fuel_.spend(kInstCost);
  return append({.op = Op::cell_get,
                 .type = static_cast<Type>((v.index & ~kInCell) >> kTypeShift),
                 .imm = offset_of(cell_of(v))});
}

Value CellBuilder::stack_cell(std::uint32_t height, Type type) {
  const std::uint32_t cell = locals_count_ + height;
  if (cell >= kCellMask) {
    fail({Error::Kind::limit, position_, "the frame of a function is too large"});
    return Value::none();
  }
  if (cell >= cells_) cells_ = cell + 1;
  if (type == Type::ref) note_reference(cell);
  if (type == Type::v128 && sink_.cell_bytes < 16) fail(wide_cells_needed());
  return Value(kInCell | static_cast<std::uint32_t>(type) << kTypeShift | cell);
}

Value CellBuilder::store(std::uint32_t height, Value value) {
  value = use(value);
  if (!value.valid()) return value;
  const Type type = f_[value].type;
  const Value cell = stack_cell(height, type);
  fuel_.spend(kInstCost);
  if (cell.valid()) append({.op = Op::cell_set, .type = type, .a = value, .imm = offset_of(cell_of(cell))});
  return cell;
}

Value CellBuilder::read(std::uint32_t local) {
  LocalState& state = locals_[local];
  if (state.block == block_number_) return state.value;
  fuel_.spend(kInstCost);
  state.block = block_number_;
  state.dirty = false;
  return state.value = append({.op = Op::cell_get, .type = state.type, .imm = offset_of(local)});
}

void CellBuilder::write(std::uint32_t local, Value value) {
  LocalState& state = locals_[local];
  value = use(value);
  if (state.block != block_number_ || !state.dirty) dirty_.push_back(local);
  state.block = block_number_;
  state.dirty = true;
  state.value = value;
}

void CellBuilder::write_back() {
  for (const std::uint32_t local : dirty_) {
    LocalState& state = locals_[local];
    fuel_.spend(kInstCost);
    append({.op = Op::cell_set, .type = state.type, .a = state.value, .imm = offset_of(local)});
    state.dirty = false;
  }
  dirty_.clear();
}

/// The edges of one terminator are made in a row. Operands that are not in the cells where the target expects
/// them are moved in a block on the way, one for each target.
Edge CellBuilder::make_edge(Block to, std::span<const Value> args) {
  fuel_.spend(kEdgeCost);
  if (!any_edge_) {
    any_edge_ = true;
    ++terminators_;
  }
  const Edge edge(edge_base_ + f_.edges.size());
  if (!to.valid()) {  // of an if without else so far; its operands stay where they are
    to = make_block();
    open_.push_back({edge.index, to});
  } else {
    bool moves = false;
    for (std::uint32_t i = 0; i < args.size() && !moves; ++i) moves = !at_place(args[i], to, i);
    LabelState& target = labels_[to.index];
    if (moves && target.via_of == terminators_) {
      to = Block(target.via);
    } else if (moves) {
      fuel_.spend(args.size());
      const Block via = make_block();
      labels_[to.index].via = via.index;
      labels_[to.index].via_of = terminators_;
      if (detours_.empty()) detour_args_.append(args);
      detours_.push_back({via, to, 0, static_cast<std::uint32_t>(args.size())});
      to = via;
    }
  }
  f_.edges.push_back({.from = Block(f_.blocks.size() - 1), .to = to});
  return edge;
}

void CellBuilder::set_target(Edge edge, Block to) {
  if (open_.empty() || open_.back().edge != edge.index)
    return fail({Error::Kind::limit, position_, "function is too large for this combination of features"});
  aliases_.push_back({open_.back().label.index, to.index});
  open_.pop_back();
}

void CellBuilder::jump(Block to, std::span<const Value> args) {
  moved_.clear();
  for (std::uint32_t i = 0; i < args.size(); ++i)
    moved_.push_back(at_place(args[i], to, i) ? Value::none() : use(args[i]));
  for (std::uint32_t i = 0; i < moved_.size(); ++i)
    if (moved_[i].valid()) store(labels_[to.index].height + i, moved_[i]);
  const Edge edge = make_edge(to, {});
  emit({.op = Op::br, .imm = edge.index});
}

int CellBuilder::kept_operands(Opcode op) {
  switch (op) {
    case Opcode::if_:
    case Opcode::br_if:
    case Opcode::br_table: return 1;
    case Opcode::br_on_null:
    case Opcode::br_on_non_null:
    case Opcode::br_on_cast:
    case Opcode::br_on_cast_fail:
    case Opcode::br:
    case Opcode::loop:
    case Opcode::try_:
    case Opcode::try_table:
    case Opcode::catch_:
    case Opcode::catch_all:
    case Opcode::delegate:
    case Opcode::else_:
    case Opcode::end: return 0;
    default: return -1;
  }
}

}  // namespace nebulet::wasm
