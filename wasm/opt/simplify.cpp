// SPDX-License-Identifier: MIT
#include <bit>

#include "wasm/ir/cfg.h"
#include "wasm/opt/fold.h"
#include "wasm/opt/passes.h"
#include "wasm/opt/rules.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// Finds an earlier instruction that computes the same. Open addressing with a bounded number of probes: a
/// module that is made to collide loses merging, not time.
class ValueTable {
 public:
  ValueTable(Function& f, const DominatorTree& dominators) : f_(f), dominators_(dominators) {
    slots_ = f.arena->allocate_array<Entry>(std::bit_ceil(f.insts.size() + 16u), Entry{});
  }

  /// The equal instruction that dominates `at`, or none; then `v` is remembered for those below.
  Value find_or_insert(Value v, Block at) {
    const Inst& i = f_[v];
    std::uint32_t slot = hash(i) & (slots_.size() - 1);
    for (int probe = 0; probe < kProbes; ++probe, slot = (slot + 1) & (slots_.size() - 1)) {
      Entry& entry = slots_[slot];
      if (!entry.value.valid()) {
        entry = {v, at};
        return Value::none();
      }
      if (!equal(f_[entry.value], i)) continue;
      if (entry.value == v) return Value::none();
      if (dominators_.dominates(entry.block, at)) return entry.value;
      entry = {v, at};
      return Value::none();
    }
    return Value::none();
  }

 private:
  struct Entry {
    Value value;
    Block block;
  };
  static constexpr int kProbes = 8;

  // Every field of an instruction takes part, so that no new field can be forgotten in the comparison alone.
  static bool equal(const Inst& x, const Inst& y) {
    return x.op == y.op && x.type == y.type && x.access == y.access && x.a == y.a && x.b == y.b &&
           x.c == y.c && x.args == y.args && x.count == y.count && x.imm == y.imm;
  }
  static std::uint32_t hash(const Inst& i) {
    std::uint64_t h = static_cast<std::uint64_t>(i.op) | static_cast<std::uint64_t>(i.type) << 16 |
                      static_cast<std::uint64_t>(i.access) << 24;
    for (std::uint64_t word :
         {static_cast<std::uint64_t>(i.a.index) | static_cast<std::uint64_t>(i.b.index) << 32,
          static_cast<std::uint64_t>(i.c.index) | static_cast<std::uint64_t>(i.args) << 32, i.bits}) {
      h = (h ^ word) * 0x9e3779b97f4a7c15ull;
      h ^= h >> 29;
    }
    return static_cast<std::uint32_t>(h ^ (h >> 32));
  }

  Function& f_;
  const DominatorTree& dominators_;
  std::span<Entry> slots_;
};

class Simplifier {
 public:
  explicit Simplifier(Function& f)
      : f_(f), dominators_(f), table_(f, dominators_), order_(*f.arena), replaced_(*f.arena) {
    replaced_.resize(f.insts.size());
  }

  bool run() {
    order_.reserve(f_.order.size());
    terminators_ = f_.arena->allocate_array<Value>(f_.blocks.size());
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) terminators_[b] = f_.terminator(Block(b));
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) block(Block(b));
    f_.order.clear();
    f_.order.append(order_.span());
    resolve_edges();
    return folded_branch_;
  }

 private:
  Value resolve(Value v) const { return v.valid() && replaced_[v.index].valid() ? replaced_[v.index] : v; }

  void block(Block b) {
    const auto body = f_.body(b);
    const std::uint32_t first = order_.size();
    home_ = b;
    for (Value v : body) visit(v, b);
    f_[b].first = first;
    f_[b].count = order_.size() - first;
  }

  void visit(Value v, Block b) {
    Inst& i = f_[v];
    i.a = resolve(i.a), i.b = resolve(i.b), i.c = resolve(i.c);
    if (has_operand_list(i.op)) {
      for (Value& arg : f_.values(i.args, i.count)) arg = resolve(arg);
    }
    Rules rules(f_, [&](const Inst& inst) { return add(inst, v, b); });
    if (i.op == Op::br_if || i.op == Op::trap_if) use_dominating_branch(v, b);
    if (has_effect(f_[v].op, kTerminator)) {
      folded_branch_ |= rules.simplify_branch(v);
      order_.push_back(v);
      return;
    }
    if (const Value same = rules.simplify(v); same.valid()) {
      replaced_[v.index] = resolve(same);
      return;
    }
    // An operation that traps on its operands alone (a division) may take the result of an equal one that ran
    // before.
    if (f_[v].op != Op::result && !has_effect(f_[v].op, static_cast<unsigned>(~kTraps)) &&
        f_[v].op != Op::nop) {
      if (const Value same = table_.find_or_insert(v, b); same.valid()) {
        replaced_[v.index] = same;
        return;
      }
    }
    order_.push_back(v);
  }

  /// A condition that a branch above has decided is a constant below it.
  void use_dominating_branch(Value v, Block b) {
    const Value condition = f_[v].a;
    for (int step = 0; step < kBranchesAbove && b.index != 0; ++step) {
      const Block above = f_[b].idom;
      const Inst& end = f_[terminators_[above.index]];
      if (end.op == Op::br_if && end.a == condition && f_[b].pred_count == 1) {
        const std::int64_t taken = f_[edge_at(end, 0)].to == b;
        const Value constant = add({.op = Op::iconst, .type = Type::i32, .imm = taken}, v, home_);
        f_[v].a = constant;
        return;
      }
      b = above;
    }
  }

  /// Places an instruction that a rule needs before the one it is at, or finds one that is there already.
  Value add(const Inst& inst, Value at, Block b) {
    const Value v = f_.add(inst, f_.positions[at.index]);
    replaced_.push_back(Value::none());
    if (const Value same = table_.find_or_insert(v, b); same.valid()) return same;
    order_.push_back(v);
    return v;
  }

  void resolve_edges() {
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      const Inst& end = f_[f_.terminator(Block(b))];
      for (std::uint32_t e = 0; e < edge_count(end); ++e) {
        const EdgeData& edge = f_[edge_at(end, e)];
        for (Value& arg : f_.values(edge.args, edge.count)) arg = resolve(arg);
      }
    }
  }

  Function& f_;
  DominatorTree dominators_;
  ValueTable table_;
  static constexpr int kBranchesAbove = 16;
  Block home_;
  std::span<Value> terminators_;  // by block
  ArenaVector<Value> order_;
  ArenaVector<Value> replaced_;  // by value: what stands for it; resolved when it was set
  bool folded_branch_ = false;
};

}  // namespace

bool simplify(Function& function) { return Simplifier(function).run(); }

}  // namespace nebulet::wasm::opt
