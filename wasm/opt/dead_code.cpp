// SPDX-License-Identifier: MIT
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// Marks what is needed, starting from effects and terminators, then sweeps. A parameter is needed when
/// something needed reads it; only then are its arguments.
class DeadCode {
 public:
  explicit DeadCode(Function& f) : f_(f), work_(*f.arena) {}

  void run() {
    needed_ = f_.arena->allocate_array<bool>(f_.insts.size(), false);
    home_ = f_.arena->allocate_array<Block>(f_.insts.size(), Block::none());
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      for (Value p : f_.params(Block(b))) home_[p.index] = Block(b);
      for (Value v : f_.body(Block(b))) {
        if (has_effect(f_[v].op, static_cast<unsigned>(~kReadsState))) need(v);
      }
    }
    // The entry's parameters are the function's: their number is its signature.
    for (Value p : f_.params(Block(0))) need(p);
    while (!work_.empty()) {
      const Value v = work_.back();
      work_.pop_back();
      visit(v);
    }
    sweep();
  }

 private:
  void need(Value v) {
    if (needed_[v.index]) return;
    needed_[v.index] = true;
    work_.push_back(v);
  }

  void visit(Value v) {
    const Inst& i = f_[v];
    if (i.op == Op::param) {
      const Block b = home_[v.index];
      const std::uint32_t n = static_cast<std::uint32_t>(i.imm);
      for (std::uint32_t e : f_.pool.slice(f_[b].preds, f_[b].pred_count)) need(f_.args(Edge(e))[n]);
      return;
    }
    const Value operands[] = {i.a, i.b, i.c};
    for (int k = 0; k < info(i.op).operands; ++k) need(operands[k]);
    if (has_operand_list(i.op)) {
      for (Value arg : f_.args(i)) need(arg);
    }
  }

  void sweep() {
    for (std::uint32_t b = 0; b < f_.blocks.size(); ++b) {
      BlockData& data = f_.blocks[b];
      auto body = f_.body(Block(b));
      std::uint32_t kept = 0;
      for (Value v : body) {
        if (needed_[v.index]) body[kept++] = v;
      }
      data.count = kept;
      if (b != 0) drop_params(Block(b));
    }
  }

  void drop_params(Block b) {
    const BlockData data = f_[b];
    auto params = f_.values(data.params, data.param_count);
    std::uint32_t kept = 0;
    for (const Value p : params) kept += needed_[p.index];
    if (kept == data.param_count) return;
    // Edges may share their argument lists, so each gets a new one.
    for (std::uint32_t n = 0; n < data.pred_count; ++n) {
      const std::uint32_t e = f_.pool[data.preds + n];
      const std::uint32_t old = f_.edges[e].args;
      f_.edges[e].args = f_.pool.size();
      f_.edges[e].count = kept;
      for (std::uint32_t k = 0; k < data.param_count; ++k) {
        if (needed_[f_.pool[data.params + k]]) f_.pool.push_back(f_.pool[old + k]);
      }
    }
    params = f_.values(data.params, data.param_count);
    kept = 0;
    for (const Value p : params) {
      if (!needed_[p.index]) continue;
      f_[p].imm = kept;
      params[kept++] = p;
    }
    f_[b].param_count = kept;
  }

  Function& f_;
  ArenaVector<Value> work_;
  std::span<bool> needed_;
  std::span<Block> home_;
};

}  // namespace

void eliminate_dead_code(Function& function) { DeadCode(function).run(); }

}  // namespace nebulet::wasm::opt
