// SPDX-License-Identifier: MIT
// The other way to build a function: in segments of bounded size, for bodies whose SSA form would take too
// much memory. Nothing but cells of the frame carries values from one basic block to the next: every local
// has a cell, and so has every height of the operand stack. Has the interface that SsaBuilder has for the
// visitor.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/binary/module.h"
#include "wasm/binary/opcodes.h"
#include "wasm/error.h"
#include "wasm/frontend/build.h"
#include "wasm/ir/ir.h"
#include "wasm/validate/fuel.h"
#include "wasm/validate/locals.h"
#include "wasm/validate/walker.h"

namespace nebulet::wasm {

/// A value that lies in a cell is named by an index with the top bit set, which also tells its type; so the
/// walk's stack needs no other form. Such an operand is loaded when it is popped. Blocks have numbers of
/// their own for the whole function ("labels"): in a segment's ir::Function, blocks are numbered from 0, and
/// edges lead to labels.
class CellBuilder {
 public:
  static constexpr bool kSegmented = true;

  /// `function` is filled for one segment at a time and given to `sink`; its arena is reset after each.
  /// `keep` holds what lives as long as the function.
  CellBuilder(const Module& module, ir::Function& function, Fuel& fuel, Arena& keep, const SegmentSink& sink);

  void begin(const Locals& locals, std::span<const ValType> params);
  void finish();
  const Result<>& status() const { return status_; }

  ir::Block make_block();
  void start(ir::Block label);
  ir::Value emit(const ir::Inst& inst);
  void at(std::uint32_t position) { position_ = position; }
  void set_height(ir::Block label, std::uint32_t height) { labels_[label.index].height = height; }
  /// In code with a handler, which finds the locals in their cells: before every call they are written.
  void set_protected(bool is_protected) { is_protected_ = is_protected; }
  /// While a handler runs, what was thrown stays in the two cells above its height; the operand stack goes on
  /// above them. Calls nest.
  void reserve() { reserved_ += 2; }
  void release() { reserved_ -= 2; }
  std::uint32_t reserved() const { return reserved_; }
  void mark_cold() {}

  ir::Edge make_edge(ir::Block to, std::span<const ir::Value> args);
  void set_target(ir::Edge edge, ir::Block to);
  void jump(ir::Block to, std::span<const ir::Value> args);
  ir::Value add_stack_param(ir::Block label, ir::Type type, std::uint32_t index) {
    return stack_cell(labels_[label.index].height + index, type);
  }
  // A block's operands are always in their cells, whatever edges it has.
  std::uint32_t edge_count(ir::Block) const { return 2; }
  ir::Edge first_edge(ir::Block) const { return {}; }
  std::span<const ir::Value> stack_args(ir::Edge) const { return {}; }

  ir::Value read(std::uint32_t local);
  void write(std::uint32_t local, ir::Value value);
  std::uint32_t open_scope() { return 0; }
  void close_scope(std::uint32_t) {}
  void merge_locals(ir::Block) {}
  void open_loop(ir::Block, std::span<const std::uint32_t>) {}
  void close_loop(ir::Block) {}

  /// The operand in a register of this block.
  ir::Value use(ir::Value v);
  /// Before each instruction: if it ends the block, what is on the stack moves to its cells. `stack[i].value`
  /// for i in 0 … size - 1.
  template <class Operand>
  void before(Opcode op, std::span<Operand> stack) {
    const int left = kept_operands(op);
    if (left >= 0)
      store_stack(stack, static_cast<std::size_t>(left));
    else if (is_large())
      cut(stack);
  }

 private:
  static constexpr std::uint32_t kInCell = 0x80000000;
  static constexpr std::uint32_t kTypeShift = 28, kCellMask = (1u << kTypeShift) - 1;
  /// A segment ends with the first block after so many instructions, edges and operands.
  static constexpr std::uint32_t kSegmentSize = 2048;

  struct LabelState {
    std::uint32_t height = 0;  ///< of the cells below its operands
    std::uint32_t via = 0;     ///< block that moves the operands of the terminator number `via_of` there
    std::uint32_t via_of = 0;
  };
  struct LocalState {
    ir::Value value;
    std::uint32_t block = 0;  ///< number of the block in which `value` is known
    bool dirty = false;       ///< there: the cell has an older value
    ir::Type type = ir::Type::none;
  };
  struct OpenEdge {
    std::uint32_t edge;
    ir::Block label;
  };
  /// Operands on their way to a label at another height.
  struct Detour {
    ir::Block block, to;
    std::uint32_t args, count;  ///< in detour_args_
  };

  static bool in_cell(ir::Value v) { return (v.index & kInCell) != 0 && v.valid(); }
  ir::Value stack_cell(std::uint32_t height, ir::Type type);
  std::uint32_t cell_of(ir::Value v) const { return v.index & kCellMask; }
  /// -1: the instruction does not end the block; otherwise how many operands on top it takes before that.
  static int kept_operands(Opcode op);
  bool is_large() const { return f_.insts.size() + f_.edges.size() + f_.pool.size() / 4 > kSegmentSize; }
  template <class Operand>
  void store_stack(std::span<Operand> stack, std::size_t kept) {
    if (kept > stack.size()) return;
    for (std::size_t h = stack.size() - kept; h-- > 0;) {
      ir::Value& value = stack[h].value;
      if (in_cell(value) || !value.valid()) break;  // what is below was stored before
      value = store(static_cast<std::uint32_t>(h) + reserved_, value);
    }
  }
  template <class Operand>
  void cut(std::span<Operand> stack) {
    store_stack(stack, 0);
    const ir::Block next = make_block();
    jump(next, {});
    start(next);
  }
  ir::Value store(std::uint32_t height, ir::Value value);
  ir::Value append(const ir::Inst& inst);
  void get_cell_and_set(std::uint32_t to_height, std::span<const ir::Value> args);
  void write_back();
  void begin_block(ir::Block label);
  void end_segment();
  void fail(Error error);
  void note_reference(std::uint32_t cell);
  std::int64_t offset_of(std::uint32_t cell) const { return std::int64_t{cell} * sink_.cell_bytes; }
  ir::Value zero(ir::Type type);
  bool at_place(ir::Value v, ir::Block to, std::uint32_t i) const {
    return in_cell(v) && cell_of(v) == locals_count_ + labels_[to.index].height + i;
  }

  const Module& module_;
  ir::Function& f_;
  Fuel& fuel_;
  const SegmentSink& sink_;
  Result<> status_;
  std::uint32_t locals_count_ = 0, cells_ = 0;
  std::uint32_t position_ = 0;
  std::uint32_t reserved_ = 0;
  bool is_protected_ = false;
  std::uint32_t block_number_ = 0;  ///< blocks begun
  std::uint32_t terminators_ = 0;   ///< counted where their edges are made
  std::uint32_t first_value_ = 0;   ///< of the current block
  std::uint32_t edge_base_ = 0;     ///< edges of earlier segments
  bool any_edge_ = false;           ///< of the terminator that comes
  ArenaVector<LabelState> labels_;
  ArenaVector<std::uint32_t> segment_labels_;  ///< by block of the segment
  ArenaVector<LocalState> locals_;
  ArenaVector<std::uint32_t> dirty_;
  ArenaVector<OpenEdge> open_;
  ArenaVector<ir::LabelAlias> aliases_;
  ArenaVector<Detour> detours_;
  ArenaVector<ir::Value> detour_args_;
  ArenaVector<ir::Value> moved_;
  ArenaVector<bool> is_reference_;  ///< by cell
  ArenaVector<std::uint32_t> references_;
};

}  // namespace nebulet::wasm
