// SPDX-License-Identifier: MIT
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// Follows what is known of the instance's state through each extended basic block: a block with one
/// predecessor starts with what that one ended with. C programs read and write their shadow stack pointer, a
/// global, in nearly every function.
class ForwardState {
 public:
  explicit ForwardState(Function& f)
      : f_(f), known_(*f.arena), ends_(f.arena->allocate_array<std::uint32_t>(f.blocks.size(), 0u)) {}

  bool run() {
    replaced_ = f_.arena->allocate_array<Value>(f_.insts.size(), Value::none());
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
  };
  // The newest entries win; a chain longer than this is not searched to its end.
  static constexpr int kSearchLimit = 16;

  Value find(Op op, std::int64_t index) const {
    std::uint32_t at = head_;
    for (int n = 0; at != 0 && n < kSearchLimit; ++n, at = known_[at - 1].previous) {
      if (known_[at - 1].op == op && known_[at - 1].index == index) return known_[at - 1].value;
    }
    return Value::none();
  }
  void learn(Op op, std::int64_t index, Value value) {
    known_.push_back({op, index, value, head_});
    head_ = known_.size();
  }

  void block(Block b) {
    const BlockData& data = f_[b];
    head_ = 0;
    if (data.pred_count == 1) {
      const Block pred = f_.edges[f_.pool[data.preds]].from;
      if (pred < b) head_ = ends_[pred.index];
    }
    Value unseen_write;  // a global_set of this block that nothing has observed
    for (Value v : f_.body(b)) {
      const Inst& i = f_[v];
      switch (i.op) {
        case Op::global_get:
        case Op::memory_size:
        case Op::table_size:
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
        if (i.op == Op::call || i.op == Op::call_indirect || i.op == Op::return_) {
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
  std::uint32_t head_ = 0;
  bool any_ = false;
};

}  // namespace

bool forward_state(Function& function) { return ForwardState(function).run(); }

}  // namespace nebulet::wasm::opt
