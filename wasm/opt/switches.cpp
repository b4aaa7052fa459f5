// SPDX-License-Identifier: MIT
#include <algorithm>

#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

using namespace ir;

namespace {

/// clang makes a br_table of every `switch` and leaves the choice to the engine (WebAssemblyISelLowering.cpp
/// sets the least size of a table to 2 and wants no density). Few comparisons are faster than a jump that the
/// processor must predict by history.
class Switches {
 public:
  explicit Switches(Function& f) : f_(f) {}

  void run() {
    const std::uint32_t blocks = f_.blocks.size();
    for (std::uint32_t b = 0; b < blocks; ++b) {
      const Value end = f_.terminator(Block(b));
      if (f_[end].op == Op::br_table && find_runs(f_[end])) expand(Block(b), end);
    }
  }

 private:
  /// Entries first … last, which all lead elsewhere than the default.
  struct Run {
    std::uint32_t first, last;
    Edge edge;
  };
  /// Of comparisons; what LLVM does for x86 too.
  static constexpr std::uint32_t kMostRuns = 3;
  /// Longer lists of arguments count as different unless they are the same list.
  static constexpr std::uint32_t kArgsToCompare = 4;

  bool same(Edge x, Edge y) const {
    const EdgeData &a = f_[x], &b = f_[y];
    if (a.to != b.to || a.count != b.count) return false;
    if (a.args == b.args || a.count == 0) return true;
    return a.count <= kArgsToCompare && std::ranges::equal(f_.args(x), f_.args(y));
  }

  bool find_runs(const Inst& table) {
    const std::uint32_t last = table.count - 1;
    const Edge otherwise = edge_at(table, last);
    runs_ = 0;
    for (std::uint32_t i = 0; i < last; ++i) {
      const Edge edge = edge_at(table, i);
      if (same(edge, otherwise)) continue;
      if (runs_ != 0 && run_[runs_ - 1].last + 1 == i && same(edge, run_[runs_ - 1].edge)) {
        run_[runs_ - 1].last = i;
        continue;
      }
      if (runs_ == kMostRuns) return false;
      run_[runs_++] = {i, i, edge};
    }
    return true;
  }

  /// The block's instructions move behind all others, where there is room for the comparison.
  void expand(Block b, Value end) {
    const Inst table = f_[end];
    const std::uint32_t position = f_.positions[end.index], first = f_.order.size(), count = f_[b].count - 1;
    for (std::uint32_t i = 0; i < count; ++i) f_.order.push_back(f_.order[f_[b].first + i]);
    f_[b].first = first;
    const Edge otherwise = edge_at(table, table.count - 1);
    if (runs_ == 0) {
      f_[end] = {.op = Op::br, .imm = otherwise.index};
      f_.order.push_back(end);
      f_[b].count = count + 1;
      return;
    }
    for (std::uint32_t r = 0; r < runs_; ++r) {
      const Value condition = test(run_[r], table.a, position);
      const bool is_last = r + 1 == runs_;
      const Block next = is_last ? f_[otherwise].to : Block(f_.blocks.size());
      const EdgeData taken = f_[run_[r].edge], rest = f_[otherwise];
      const Edge pair(f_.edges.size());
      f_.edges.push_back({b, taken.to, taken.args, taken.count});
      f_.edges.push_back({b, next, rest.args, is_last ? rest.count : 0});
      f_.order.push_back(f_.add({.op = Op::br_if, .a = condition, .imm = pair.index}, position));
      f_[b].count = f_.order.size() - f_[b].first;
      if (is_last) break;
      BlockData data;
      data.first = f_.order.size();
      f_.blocks.push_back(data);
      b = next;
    }
  }

  Value add(const Inst& inst, std::uint32_t position) {
    const Value v = f_.add(inst, position);
    f_.order.push_back(v);
    return v;
  }
  Value constant(std::uint32_t value, std::uint32_t position) {
    return add({.op = Op::iconst, .type = Type::i32, .imm = value}, position);
  }

  Value test(const Run& run, Value index, std::uint32_t position) {
    if (run.first == run.last) {
      // What was added to the index for the table's sake moves into the constant. Not a rule for all
      // comparisons: the counter of a loop is best compared behind its increment, so that the old one is no
      // longer needed.
      std::uint32_t wanted = run.first;
      if (f_[index].op == Op::add && f_[f_[index].b].op == Op::iconst) {
        wanted -= static_cast<std::uint32_t>(f_[f_[index].b].bits);
        index = f_[index].a;
      }
      const Value c = constant(wanted, position);
      return add({.op = Op::eq, .type = Type::i32, .a = index, .b = c}, position);
    }
    if (run.first != 0) {
      const Value c = constant(run.first, position);
      index = add({.op = Op::sub, .type = Type::i32, .a = index, .b = c}, position);
    }
    const Value size = constant(run.last - run.first + 1, position);
    return add({.op = Op::lt_u, .type = Type::i32, .a = index, .b = size}, position);
  }

  Function& f_;
  Run run_[kMostRuns];
  std::uint32_t runs_ = 0;
};

}  // namespace

void expand_switches(Function& function) { Switches(function).run(); }

}  // namespace nebulet::wasm::opt
