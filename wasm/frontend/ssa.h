// SPDX-License-Identifier: MIT
// Blocks, edges and locals of a function while it is built, after Braun et al., "Simple and Efficient
// Construction of Static Single Assignment Form" (CC 2013). Knows nothing of wasm but that control flow is
// structured.
#pragma once

#include <cstdint>
#include <span>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/arena.h"
#include "wasm/binary/module.h"
#include "wasm/ir/ir.h"
#include "wasm/validate/fuel.h"
#include "wasm/validate/locals.h"

namespace nebulet::wasm {

/// Fuel that parts of the SSA form cost, in units of about four bytes, as an edge argument has.
constexpr std::uint64_t kInstCost = 8, kEdgeCost = 6, kBlockCost = 12;

/// Every assignment of a local gets a number, its time; an edge remembers the time at which it leaves.
/// Because code is visited once in order, the value of a local on an edge is its last assignment before the
/// edge's time, whatever came later. A merge assigns "to be merged here" to the locals that changed on the
/// way; only when one of them is read does it become a block parameter, whose arguments are looked up by the
/// edges' times.
class SsaBuilder {
 public:
  static constexpr bool kSegmented = false;

  SsaBuilder(const Module& module, ir::Function& function, Fuel& fuel);

  /// Once, before anything else: makes the entry block, its parameters, and starts it.
  void begin(const Locals& locals, std::span<const ValType> params);
  /// Once, after the last block: drops parameters that are not needed and writes edges and parameters to the
  /// function.
  void finish();

  ir::Block make_block();
  /// The following instructions belong to `block`; the block before must have its terminator.
  void start(ir::Block block);
  ir::Block current() const { return current_; }
  /// Appends an instruction to the current block.
  ir::Value emit(const ir::Inst& inst);
  void at(std::uint32_t position) { position_ = position; }

  /// An edge out of the current block, to be named by the terminator that follows. Edges of one terminator
  /// are made in a row. `to` may be none until set_target. `args` are for the target's stack parameters.
  ir::Edge make_edge(ir::Block to, std::span<const ir::Value> args);
  void set_target(ir::Edge edge, ir::Block to);
  /// Ends the current block with a branch.
  void jump(ir::Block to, std::span<const ir::Value> args) {
    const ir::Edge edge = make_edge(to, args);
    emit({.op = ir::Op::br, .imm = edge.index});
  }
  /// The current block ends in a trap.
  void mark_cold() { f_[current_].cold = true; }
  // What CellBuilder has to do and SSA form has not.
  ir::Value use(ir::Value v) const { return v; }
  void set_height(ir::Block, std::uint32_t) {}
  void set_protected(bool) {}
  void reserve() {}
  void release() {}
  std::uint32_t reserved() const { return 0; }
  std::uint32_t edge_count(ir::Block block) const { return blocks_[block.index].edges; }
  ir::Edge first_edge(ir::Block block) const { return blocks_[block.index].first_edge; }
  std::span<const ir::Value> stack_args(ir::Edge edge) const {
    return edge_args_.slice(f_[edge].args, f_[edge].count);
  }
  /// A parameter of `block` for argument `index` of its edges; all of them before any local is merged there.
  ir::Value add_stack_param(ir::Block block, ir::Type type, std::uint32_t index);

  ir::Value read(std::uint32_t local) {
    const std::uint32_t slot = slot_of(local);
    const std::uint32_t entry = slots_[slot].latest;
    if (entry != kInitial && !entries_[entry].merge.valid()) [[likely]]
      return entries_[entry].value;
    return read_slow(slot);
  }
  void write(std::uint32_t local, ir::Value value) {
    const std::uint32_t slot = slot_of(local);
    note_assigned(slot);
    assign(slot, value, ir::Block::none());
  }

  /// A scope collects which locals are assigned in it. Scopes nest; `open_scope` returns what `close_scope`
  /// takes.
  std::uint32_t open_scope() {
    const std::uint32_t outer = scope_;
    scope_ = assigned_.size();
    return outer;
  }
  void close_scope(std::uint32_t outer) { scope_ = outer; }
  /// `block` was started: locals of the current scope that its edges may see differently are merged in it.
  void merge_locals(ir::Block block);
  /// `header` was started: `locals` may change in the loop. Until `close_loop` edges to it may be added.
  void open_loop(ir::Block header, std::span<const std::uint32_t> locals);
  void close_loop(ir::Block header);

 private:
  static constexpr std::uint32_t kInitial = 0xffffffff;  ///< not assigned yet: zero
  static constexpr std::uint32_t kDiffers = 0xfffffffe;
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct SlotState {
    std::uint32_t latest = kInitial;  ///< its last entry
    std::uint32_t marker = 0;         ///< where it is in assigned_, if it is there
    ir::Type type = ir::Type::none;
  };
  /// An assignment; its index is its time. `jump` skips back far, so that a search takes logarithmic time.
  struct Entry {
    std::uint32_t previous, jump, depth;  ///< of the same local
    ir::Value value;
    ir::Block merge;  ///< if valid: the value is what the edges of this block bring, and not known yet
  };
  struct BlockState {
    ir::Edge first_edge, last_edge;
    std::uint32_t edges = 0;
    std::uint32_t first_param = kNone, last_param = kNone;
    std::uint32_t deferred = kNone;  ///< parameters whose arguments wait for close_loop
    bool open = false;               ///< a loop header that may get more edges
  };
  struct EdgeState {
    std::uint32_t time;
    ir::Edge next;  ///< of the same target
  };
  struct Param {
    ir::Value value;
    ir::Block block;
    std::uint32_t next = kNone;     ///< of the same block
    std::uint32_t waiting = kNone;  ///< next in `deferred` or in the queue
    std::uint32_t args = kNone;     ///< in param_args_, one for each edge; not for stack parameters
    std::uint32_t source = 0;       ///< slot, or index in the edges' stack arguments
    std::uint32_t users = kNone, last_user = kNone;  ///< in users_: parameters that have it as an argument
    bool is_stack = true, live = false, queued = false;
  };
  struct User {
    std::uint32_t param, next;
  };

  std::uint32_t slot_of(std::uint32_t local) {
    if (local < dense_slots_) [[likely]]
      return local;
    return sparse_slot(local);
  }
  std::uint32_t sparse_slot(std::uint32_t local);
  void note_assigned(std::uint32_t slot) {
    SlotState& s = slots_[slot];
    if (s.marker >= scope_ && s.marker < assigned_.size() && assigned_[s.marker] == slot) return;
    s.marker = assigned_.size();
    assigned_.push_back(slot);
  }
  void assign(std::uint32_t slot, ir::Value value, ir::Block merge);
  std::uint32_t time() const { return entries_.size(); }
  std::uint32_t entry_before(std::uint32_t slot, std::uint32_t time) const;
  ir::Value read_slow(std::uint32_t slot);
  ir::Value resolve(std::uint32_t slot, std::uint32_t entry);
  std::uint32_t common_entry(std::uint32_t slot, std::uint32_t self, ir::Block block);
  std::uint32_t add_param(ir::Block block, ir::Type type, std::uint32_t source);
  void fill(std::uint32_t param);
  void drain();
  ir::Value zero(ir::Type type);

  ir::Value argument(const Param& param, ir::Edge edge, std::uint32_t number) const {
    return param.is_stack ? edge_args_[f_[edge].args + param.source] : param_args_[param.args + number];
  }
  ir::Value resolved(ir::Value v);
  /// A parameter of any block but the entry; its number is then in `args`.
  bool is_param(ir::Value v) const { return f_[v].op == ir::Op::param && f_[v].count == 1; }
  void remove_redundant_params();
  ir::Value only_argument(const Param& param);
  void add_user(std::uint32_t param, std::uint32_t user);
  void mark_live_params();
  void mark(ir::Value& operand);
  void for_each_argument(const Param& param, auto visit);
  void place_constants();
  void write_edges();

  const Module& module_;
  ir::Function& f_;
  Fuel& fuel_;
  const Locals* locals_ = nullptr;
  ir::Block current_;
  std::uint32_t position_ = 0;
  std::uint32_t scope_ = 0;
  std::uint32_t last_edge_time_ = 0;
  std::uint32_t dense_slots_ = 0;
  std::uint32_t queue_ = kNone;
  ArenaVector<SlotState> slots_;
  boost::unordered_flat_map<std::uint32_t, std::uint32_t>
      sparse_;  ///< slots of the locals beyond the first ones
  ArenaVector<Entry> entries_;
  ArenaVector<std::uint32_t> assigned_;  ///< slots, a stretch for each open scope
  ArenaVector<std::uint32_t> chain_;     ///< scratch of `resolve`
  ArenaVector<BlockState> blocks_;
  ArenaVector<EdgeState> edges_;
  ArenaVector<ir::Value> edge_args_;
  ArenaVector<Param> params_;
  ArenaVector<ir::Value> param_args_;
  ArenaVector<User> users_;
  ArenaVector<std::uint32_t> work_;
  ir::Value zeros_[8];  ///< by type: the default value of locals, once it is needed
  bool zero_used_[8] = {};
};

inline ir::Type ir_type(ValType type, const Module& module) {
  switch (type.kind) {
    case ValType::Kind::i32: return ir::Type::i32;
    case ValType::Kind::i64: return ir::Type::i64;
    case ValType::Kind::f32: return ir::Type::f32;
    case ValType::Kind::f64: return ir::Type::f64;
    case ValType::Kind::v128: return ir::Type::v128;
    case ValType::Kind::ref: return module.is_func_heap(type.heap) ? ir::Type::funcref : ir::Type::ref;
    case ValType::Kind::bottom: break;
  }
  return ir::Type::none;
}

}  // namespace nebulet::wasm
