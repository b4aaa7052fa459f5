// SPDX-License-Identifier: MIT
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// Follows what is known of the instance's state: a block starts with what all its predecessors ended with. C
/// programs read and write their shadow stack pointer, a global, in nearly every function.
class ForwardState {
 public:
  explicit ForwardState(Function& f)
      : f_(f), known_(*f.arena), ends_(f.arena->allocate_array<std::uint32_t>(f.blocks.size(), 0u)) {}

  bool run() {
    replaced_ = f_.arena->allocate_array<Value>(f_.insts.size(), Value::none());
    find_changing_loops();
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) block(Block(b));
    if (any_) rewrite();
    return any_;
  }

 private:
  struct Known {
    Op op;  // global_get, memory_size or table_size
    std::int64_t index;
    Value value;             // what a read would give
    std::uint32_t previous;  // chain of what was known earlier; 0 ends it
    std::uint32_t depth;     // length of the chain
  };
  // The newest entries win; a chain longer than this is not searched to its end.
  static constexpr int kSearchLimit = 16;
  static constexpr std::uint32_t kMergeLimit = 64;

  Value find(Op op, std::int64_t index) const {
    std::uint32_t at = head_;
    for (int n = 0; at != 0 && n < kSearchLimit; ++n, at = known_[at - 1].previous) {
      if (known_[at - 1].op == op && known_[at - 1].index == index) return known_[at - 1].value;
    }
    return Value::none();
  }
  void learn(Op op, std::int64_t index, Value value) {
    known_.push_back({op, index, value, head_, depth(head_) + 1});
    head_ = known_.size();
  }
  std::uint32_t depth(std::uint32_t head) const { return head == 0 ? 0 : known_[head - 1].depth; }

  /// Marks the headers of loops that write state or call.
  void find_changing_loops() {
    const std::uint32_t n = f_.blocks.size();
    changes_ = f_.arena->allocate_array<bool>(n, false);
    auto outer = f_.arena->allocate_array<Block>(n, Block::none());
    for (std::uint32_t b = 0; b < n; ++b) {
      const BlockData& data = f_.blocks[b];
      if (!data.loop_header.valid()) continue;
      if (data.loop_header.index == b) {
        Block loop = f_[data.idom].loop_header;
        while (loop.valid() && f_[loop].loop_depth >= data.loop_depth) loop = outer[loop.index];
        outer[b] = loop;
      }
      for (Value v : f_.body(Block(b)))
        if (has_effect(f_[v].op, kCalls | kWritesState)) changes_[data.loop_header.index] = true;
    }
    for (std::uint32_t b = n; b-- > 0;)
      if (changes_[b] && outer[b].valid()) changes_[outer[b].index] = true;
  }

  /// The latest point that the chains of all predecessors have in common, without what some of them have
  /// changed since. What is behind the limits is forgotten.
  void merge(Block b) {
    const BlockData& data = f_[b];
    const auto preds = f_.pool.slice(data.preds, data.pred_count);
    head_ = 0;
    std::uint32_t common = 0, steps = 0;
    bool first = true;
    for (std::uint32_t edge : preds) {
      const Block from = f_.edges[edge].from;
      if (from >= b) {
        if (changes_[b.index]) return;
        continue;
      }
      std::uint32_t other = ends_[from.index];
      if (first) common = other;
      first = false;
      while (common != other) {
        if (++steps > kMergeLimit) return;
        std::uint32_t& deeper = depth(common) >= depth(other) ? common : other;
        deeper = known_[deeper - 1].previous;
      }
    }
    if (common == 0) return;
    head_ = common;
    for (std::uint32_t edge : preds) {
      const Block from = f_.edges[edge].from;
      if (from >= b) continue;
      for (std::uint32_t at = ends_[from.index]; at != common; at = known_[at - 1].previous) {
        if (++steps > 2 * kMergeLimit) {
          head_ = 0;
          return;
        }
        if (find(known_[at - 1].op, known_[at - 1].index).valid())
          learn(known_[at - 1].op, known_[at - 1].index, Value::none());
      }
    }
  }

  void block(Block b) {
    merge(b);
    Value unseen_write;  // a global_set of this block that nothing has observed
    for (Value v : f_.body(b)) {
      const Inst& i = f_[v];
      switch (i.op) {
        case Op::global_get:
        case Op::memory_size:
        case Op::table_size:
          if (i.op == Op::memory_size && i.count != 0) break;  // another thread may make it grow
          if (const Value value = find(i.op, i.imm); value.valid()) {
            replaced_[v.index] = value;
            any_ = true;
          } else {
            learn(i.op, i.imm, v);
            if (i.op == Op::global_get && unseen_write.valid() && f_[unseen_write].imm == i.imm)
              unseen_write = {};
          }
          break;
        case Op::global_set:
          if (unseen_write.valid() && f_[unseen_write].imm == i.imm) f_[unseen_write] = {.op = Op::nop};
          unseen_write = v;
          learn(Op::global_get, i.imm, i.a);
          break;
        default:
          if (has_effect(i.op, kCalls)) head_ = 0;
          // A trap ends the function with the globals as they are, and others may look at them.
          if (has_effect(i.op, kCalls | kTraps | kTerminator)) unseen_write = {};
          break;
      }
    }
    ends_[b.index] = head_;
  }

  Value resolve(Value v) const { return v.valid() && replaced_[v.index].valid() ? replaced_[v.index] : v; }

  void rewrite() {
    // A replacement is never itself replaced by a later one, but it may have been replaced when it was
    // learnt.
    for (Value& v : replaced_) {
      while (v.valid() && replaced_[v.index].valid()) v = replaced_[v.index];
    }
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      for (Value v : f_.body(Block(b))) {
        Inst& i = f_[v];
        i.a = resolve(i.a), i.b = resolve(i.b), i.c = resolve(i.c);
        if (has_operand_list(i.op)) {
          for (Value& arg : f_.values(i.args, i.count)) arg = resolve(arg);
        }
        for (std::uint32_t e = 0; e < edge_count(i); ++e) {
          const EdgeData& edge = f_[edge_at(i, e)];
          for (Value& arg : f_.values(edge.args, edge.count)) arg = resolve(arg);
        }
      }
    }
  }

  Function& f_;
  ArenaVector<Known> known_;
  std::span<std::uint32_t> ends_;  // by block: the head of what is known at its end
  std::span<Value> replaced_;
  std::span<bool> changes_;  // by header: the loop writes state or calls
  std::uint32_t head_ = 0;
  bool any_ = false;
};

}  // namespace

bool forward_state(Function& function) { return ForwardState(function).run(); }

}  // namespace nebulet::wasm::opt
