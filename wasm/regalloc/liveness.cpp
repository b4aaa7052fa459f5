// SPDX-License-Identifier: MIT
// Liveness by walking up from each use to its definition (SSA makes that linear in the live-in sets), then
// two backward passes for the distances: the second sees around the back edges.
#include "wasm/regalloc/liveness.h"

#include <algorithm>

#include "base/assert.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::BlockData;
using mir::Constraint;
using mir::Function;
using mir::Operand;
using mir::RegClass;
using mir::Role;

bool is_use(const Operand& operand) { return operand.role == Role::use || operand.role == Role::late_use; }

class Builder {
 public:
  Builder(const Function& function, Arena& arena, Mode mode)
      : f_(function),
        arena_(arena),
        uses_(arena),
        near_(arena),
        blocks_(function.blocks.size()),
        vregs_(function.vregs.size()) {
    live_.mode = mode;
  }

  Liveness run() {
    order_blocks();
    number_dominators();
    find_loops();
    estimate_frequencies();
    find_defs();
    if (live_.mode == Mode::global && !collect_live_in()) live_.mode = Mode::block_local;
    if (live_.mode == Mode::block_local) {
      live_.live_begin = arena_.allocate_array<std::uint32_t>(blocks_ + 1, 0);
      live_.live_in = {};
    }
    live_.next_after = arena_.allocate_array<std::uint32_t>(f_.operands.size(), kDead);
    live_.fixed_hint = arena_.allocate_array<std::uint8_t>(vregs_, 0xff);
    live_.param_distance = arena_.allocate_array<std::uint32_t>(vregs_, kDead);
    live_.affinity = arena_.allocate_array<std::uint32_t>(vregs_, kNone);
    live_.loop_pressure = arena_.allocate_array<Pressure>(blocks_, Pressure{});
    hint_weight_ = arena_.allocate_array<std::uint32_t>(vregs_, 0);
    now_ = arena_.allocate_array<Now>(vregs_, Now{});
    // The first pass is for what back edges bring, so it needs nothing outside of loops.
    if (has_back_edge_ && live_.mode == Mode::global)
      for (std::uint32_t i = blocks_; i-- > 0;)
        if (f_.blocks[live_.order[i]].loop_depth != 0) measure(live_.order[i], 0);
    for (std::uint32_t i = blocks_; i-- > 0;) measure(live_.order[i], 1);
    for (std::uint32_t i = blocks_; i-- > 0;) pass_pressure_up(live_.order[i]);
    return live_;
  }

 private:
  struct Use {
    std::uint32_t vreg, block;
  };

  std::span<const mir::EdgeData> succs(std::uint32_t block) const {
    const BlockData& data = f_.blocks[block];
    return f_.edges.slice(data.succs, data.succ_count);
  }
  std::span<const std::uint32_t> preds(std::uint32_t block) const {
    const BlockData& data = f_.blocks[block];
    return f_.pool.slice(data.preds, data.pred_count);
  }

  bool leaves_loop(std::uint32_t from, std::uint32_t to) const {
    const BlockData &a = f_.blocks[from], &b = f_.blocks[to];
    return b.loop_depth < a.loop_depth || (b.loop_depth == a.loop_depth && a.loop_header != b.loop_header);
  }

  /// Depth first, exits and cold successors first, so that they come last in the reverse postorder.
  void order_blocks() {
    live_.order = arena_.allocate_array<std::uint32_t>(blocks_);
    live_.order_index = arena_.allocate_array<std::uint32_t>(blocks_, kNone);
    struct Frame {
      std::uint32_t block, next;
    };
    ArenaVector<Frame> stack(arena_);
    auto visited = arena_.allocate_array<bool>(blocks_, false);
    // A block's successors are visited in two rounds: first those that should be laid out late.
    auto late = [&](std::uint32_t from, std::uint32_t to) {
      return leaves_loop(from, to) || (f_.blocks[to].cold && !f_.blocks[from].cold);
    };
    std::uint32_t position = blocks_;
    visited[0] = true;
    stack.push_back({0, 0});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const auto edges = succs(frame.block);
      const std::uint32_t count = static_cast<std::uint32_t>(edges.size());
      if (frame.next == 2 * count) {
        live_.order[--position] = frame.block;
        live_.order_index[frame.block] = position;
        stack.pop_back();
        continue;
      }
      const bool late_round = frame.next < count;
      const std::uint32_t to = edges[count - 1 - frame.next % count].to.index;
      const std::uint32_t from = frame.block;
      ++frame.next;
      if (visited[to] || late(from, to) != late_round) continue;
      visited[to] = true;
      stack.push_back({to, 0});
    }
    NB_ASSERT(position == 0);  // every block is reachable
  }

  void number_dominators() {
    live_.dom_enter = arena_.allocate_array<std::uint32_t>(blocks_, 0);
    live_.dom_leave = arena_.allocate_array<std::uint32_t>(blocks_, 0);
    auto first_child = arena_.allocate_array<std::uint32_t>(blocks_, kNone);
    auto sibling = arena_.allocate_array<std::uint32_t>(blocks_, kNone);
    for (std::uint32_t b = 1; b < blocks_; ++b) {
      const std::uint32_t parent = f_.blocks[b].idom.index;
      sibling[b] = first_child[parent];
      first_child[parent] = b;
    }
    ArenaVector<std::uint32_t> stack(arena_);
    std::uint32_t clock = 0;
    stack.push_back(0);
    live_.dom_enter[0] = clock++;
    while (!stack.empty()) {
      const std::uint32_t b = stack.back();
      const std::uint32_t child = first_child[b];
      if (child == kNone) {
        live_.dom_leave[b] = clock++;
        stack.pop_back();
        continue;
      }
      first_child[b] = sibling[child];
      live_.dom_enter[child] = clock++;
      stack.push_back(child);
    }
  }

  void find_loops() {
    live_.parent_loop = arena_.allocate_array<std::uint32_t>(blocks_, kNone);
    for (const std::uint32_t b : live_.order) {
      if (f_.blocks[b].loop_header.index != b) continue;
      has_back_edge_ = true;
      if (b == 0) continue;
      std::uint32_t loop = f_.blocks[f_.blocks[b].idom.index].loop_header.index;
      while (loop != kNone && f_.blocks[loop].loop_depth >= f_.blocks[b].loop_depth)
        loop = live_.parent_loop[loop];
      live_.parent_loop[b] = loop;
    }
  }

  /// How likely a successor is, in relation to the others. All are alike if none is likely.
  std::uint32_t likelihood(std::uint32_t from, std::uint32_t to) const {
    if (f_.blocks[to].cold && !f_.blocks[from].cold) return 0;
    return leaves_loop(from, to) ? 1 : 8;
  }
  std::uint64_t total_likelihood(std::uint32_t from) const {
    std::uint64_t total = 0;
    for (const mir::EdgeData& edge : succs(from)) total += likelihood(from, edge.to.index);
    return total;
  }

  void estimate_frequencies() {
    constexpr std::uint64_t kOnce = 1u << 20, kMost = std::uint64_t{1} << 50;
    live_.frequency = arena_.allocate_array<std::uint64_t>(blocks_, 0);
    live_.frequency[0] = kOnce;
    for (const std::uint32_t b : live_.order) {
      std::uint64_t& own = live_.frequency[b];
      if (f_.blocks[b].cold) own = 0;
      if (f_.blocks[b].loop_header.index == b) own = std::min(own * 8, kMost);
      const std::uint64_t total = total_likelihood(b);
      if (total == 0) continue;
      for (const mir::EdgeData& edge : succs(b)) {
        const std::uint32_t to = edge.to.index;
        if (live_.order_index[to] <= live_.order_index[b]) continue;
        live_.frequency[to] = std::min(live_.frequency[to] + own * likelihood(b, to) / total + 1, kMost);
      }
    }
  }

  void find_defs() {
    live_.defs = arena_.allocate_array<DefSite>(vregs_, DefSite{});
    live_.used = arena_.allocate_array<bool>(vregs_, false);
    live_.crosses = arena_.allocate_array<bool>(vregs_, false);
    for (std::uint32_t b = 0; b < blocks_; ++b) {
      const BlockData& block = f_.blocks[b];
      const auto params = f_.vregs_at(block.params, block.param_count);
      for (std::uint32_t p = 0; p < params.size(); ++p) live_.defs[params[p].index] = {b, kNone, p};
      for (std::uint32_t i = block.first; i < block.first + block.count; ++i) {
        const mir::Inst& inst = f_.insts[i];
        for (std::uint32_t o = inst.operands; o < inst.operands + inst.operand_count; ++o)
          if (!is_use(f_.operands[o])) live_.defs[f_.operands[o].vreg.index] = {b, i, o};
      }
    }
    for (const std::uint32_t b : live_.order) {
      const BlockData& block = f_.blocks[b];
      for (const mir::Inst& inst : f_.insts.slice(block.first, block.count))
        for (const Operand& operand : f_.operands_of(inst))
          if (is_use(operand)) note_use(operand.vreg.index, b);
    }
    // Arguments of parameters without a use are no uses.
    ArenaVector<std::uint32_t> work(arena_);
    for (const std::uint32_t b : live_.order)
      for (const mir::VReg v : f_.vregs_at(f_.blocks[b].params, f_.blocks[b].param_count))
        if (live_.used[v.index]) work.push_back(v.index);
    while (!work.empty()) {
      const DefSite param = live_.defs[work.back()];
      work.pop_back();
      for (const std::uint32_t pred : preds(param.block)) {
        const mir::EdgeData& edge = f_.edges[f_.blocks[pred].succs];
        const std::uint32_t v = f_.vregs_at(edge.args, edge.count)[param.operand].index;
        if (!live_.used[v] && live_.defs[v].inst == kNone) work.push_back(v);
        note_use(v, pred);
      }
    }
  }

  void note_use(std::uint32_t v, std::uint32_t block) {
    live_.used[v] = true;
    if (live_.defs[v].block == block) return;
    live_.crosses[v] = true;
    if (live_.mode == Mode::global) uses_.push_back({v, block});
  }

  /// False when the live-in sets exceed the budget.
  bool collect_live_in() {
    const std::uint64_t budget = std::uint64_t{16} * f_.insts.size() + kLiveInBudget;
    // Group the uses by vreg.
    auto begin = arena_.allocate_array<std::uint32_t>(vregs_ + 1, 0);
    for (const Use& use : uses_) ++begin[use.vreg + 1];
    for (std::uint32_t v = 0; v < vregs_; ++v) begin[v + 1] += begin[v];
    auto by_vreg = arena_.allocate_array<std::uint32_t>(uses_.size());
    auto cursor = arena_.allocate_array<std::uint32_t>(vregs_);
    for (std::uint32_t v = 0; v < vregs_; ++v) cursor[v] = begin[v];
    for (const Use& use : uses_) by_vreg[cursor[use.vreg]++] = use.block;

    auto last = arena_.allocate_array<std::uint32_t>(blocks_, kNone);
    ArenaVector<Use> pairs(arena_);
    ArenaVector<std::uint32_t> stack(arena_);
    live_.live_begin = arena_.allocate_array<std::uint32_t>(blocks_ + 1, 0);
    for (std::uint32_t v = 0; v < vregs_; ++v) {
      const std::uint32_t def = live_.defs[v].block;
      auto mark = [&](std::uint32_t block) {
        if (block == def || last[block] == v) return;
        last[block] = v;
        pairs.push_back({v, block});
        ++live_.live_begin[block + 1];
        stack.push_back(block);
      };
      for (std::uint32_t i = begin[v]; i < begin[v + 1]; ++i) mark(by_vreg[i]);
      while (!stack.empty()) {
        const std::uint32_t block = stack.back();
        stack.pop_back();
        for (const std::uint32_t pred : preds(block)) mark(pred);
        if (pairs.size() > budget) return false;
      }
    }
    for (std::uint32_t b = 0; b < blocks_; ++b) live_.live_begin[b + 1] += live_.live_begin[b];
    live_.live_in = arena_.allocate_array<LiveIn>(pairs.size());
    auto fill = arena_.allocate_array<std::uint32_t>(blocks_);
    for (std::uint32_t b = 0; b < blocks_; ++b) fill[b] = live_.live_begin[b];
    for (const Use& pair : pairs) live_.live_in[fill[pair.block]++] = {pair.vreg, kFarthest};
    return true;
  }

  static std::uint32_t saturate(std::uint64_t distance) {
    return distance < kFarthest ? static_cast<std::uint32_t>(distance) : kFarthest;
  }
  std::uint32_t next(std::uint32_t v) const { return now_[v].stamp == current_ ? now_[v].next : kDead; }
  void count(std::uint32_t v, std::uint32_t change) {
    (f_.vregs[v].reg_class == RegClass::gpr ? live_now_.gpr : live_now_.vec) += change;
  }
  void set_next(std::uint32_t v, std::uint32_t distance) {
    if (next(v) == kDead) count(v, 1);
    now_[v].stamp = current_;
    now_[v].next = distance;
  }

  /// Distances behind the block's last instruction, counted from its start.
  void measure_end(std::uint32_t b, std::uint64_t length, std::uint32_t round) {
    constexpr std::uint32_t kOne = 1u << 30;
    const auto edges = succs(b);
    const std::uint64_t total = edges.size() == 1 ? 0 : total_likelihood(b);
    near_.clear();
    for (const mir::EdgeData& edge : edges) {
      const std::uint32_t s = edge.to.index;
      // Never 0, and far from overflow: there are fewer edges than 2^30.
      const std::uint32_t share =
          total ? static_cast<std::uint32_t>(kOne * std::uint64_t{likelihood(b, s)} / total) : kOne;
      std::uint64_t base = 0;
      if (leaves_loop(b, s)) base += kBehindLoop;
      if (f_.blocks[s].cold && !f_.blocks[b].cold) base += kBehindCold;
      auto reach = [&](std::uint32_t v, std::uint64_t distance) {
        if (distance < kBehindCall && edges.size() != 1) {
          if (now_[v].urgency == 0) near_.push_back(v);
          now_[v].urgency += share / (static_cast<std::uint32_t>(distance) + 1) + 1;
        }
        distance = saturate(length + distance);
        if (distance < next(v)) set_next(v, static_cast<std::uint32_t>(distance));
      };
      for (const LiveIn& entry : live_.live_in_of(s)) reach(entry.vreg, base + entry.distance);
      const auto params = f_.vregs_at(f_.blocks[s].params, f_.blocks[s].param_count);
      for (std::uint32_t a = 0; a < edge.count; ++a) {
        const std::uint32_t p = params[a].index;
        if (!live_.used[p]) continue;
        const std::uint32_t v = f_.vregs_at(edge.args, edge.count)[a].index;
        const bool dies = next(v) == kDead;
        reach(v, live_.param_distance[p] == kDead ? 0 : base + live_.param_distance[p]);
        if (round == 1 && dies) want(v, 0xff, p);
      }
    }
    for (const std::uint32_t v : near_) {
      const std::uint32_t mean = std::min(kOne / now_[v].urgency, kBehindCall - 1);
      now_[v].next = saturate(length + mean);
      now_[v].urgency = 0;
    }
  }

  /// Distances at one block's start; in the last round also at each operand, with the hints.
  void measure(std::uint32_t b, std::uint32_t round) {
    const BlockData& block = f_.blocks[b];
    current_ = b + round * blocks_;
    weight_ = block.cold ? 1 : 2 + block.loop_depth;
    live_now_ = {};
    std::uint32_t calls = 0;
    for (const mir::Inst& inst : f_.insts.slice(block.first, block.count))
      calls += (inst.flags & mir::kCall) != 0;
    const std::uint64_t length = block.count + std::uint64_t{calls} * kBehindCall;

    if (live_.mode == Mode::block_local) {
      for (const mir::Inst& inst : f_.insts.slice(block.first, block.count))
        for (const Operand& operand : f_.operands_of(inst))
          if (live_.crosses[operand.vreg.index]) set_next(operand.vreg.index, saturate(length + kBehindLoop));
    }
    measure_end(b, length, round);

    Pressure most = live_now_;
    std::uint64_t position = length;
    for (std::uint32_t i = block.first + block.count; i-- > block.first;) {
      const mir::Inst& inst = f_.insts[i];
      if (inst.flags & mir::kCall) position -= kBehindCall, most.call = true;
      --position;
      measure_inst(inst, saturate(position), round);
      most.gpr = std::max(most.gpr, live_now_.gpr);
      most.vec = std::max(most.vec, live_now_.vec);
    }
    for (const mir::VReg v : f_.vregs_at(block.params, block.param_count))
      live_.param_distance[v.index] = next(v.index);
    for (LiveIn& entry : live_.live_in_of(b)) entry.distance = next(entry.vreg);
    if (round == 1 && !block.cold && block.loop_header.valid())
      merge(live_.loop_pressure[block.loop_header.index], most);
  }

  void measure_inst(const mir::Inst& inst, std::uint32_t position, std::uint32_t round) {
    const std::uint32_t end = inst.operands + inst.operand_count;
    for (std::uint32_t o = inst.operands; o < end; ++o) {
      const std::uint32_t v = f_.operands[o].vreg.index;
      if (round == 1) live_.next_after[o] = next(v);
      if (is_use(f_.operands[o]) || next(v) == kDead) continue;
      count(v, ~0u);
      now_[v].stamp = kNone;
    }
    if (round == 1) note_hints(inst);
    for (std::uint32_t o = inst.operands; o < end; ++o)
      if (is_use(f_.operands[o])) set_next(f_.operands[o].vreg.index, position);
  }

  /// Of the constraints in the innermost loop the one nearest to the definition decides; cold ones come last.
  void want(std::uint32_t v, std::uint8_t fixed, std::uint32_t affine) {
    if (weight_ < hint_weight_[v]) return;
    hint_weight_[v] = weight_;
    live_.fixed_hint[v] = fixed;
    live_.affinity[v] = affine;
  }

  void note_hints(const mir::Inst& inst) {
    std::uint32_t moved_to = kNone, moved_from = kNone;
    std::uint8_t moved_to_fixed = 0xff;
    for (std::uint32_t k = 0; k < inst.operand_count; ++k) {
      const Operand& operand = f_.operands[inst.operands + k];
      const std::uint32_t v = operand.vreg.index;
      if (is_use(operand)) {
        if (operand.constraint == Constraint::fixed) want(v, operand.fixed.number, kNone);
        if (live_.next_after[inst.operands + k] == kDead && operand.constraint != Constraint::fixed)
          moved_from = v;
        continue;
      }
      moved_to = v;
      moved_to_fixed = operand.constraint == Constraint::fixed ? operand.fixed.number : 0xff;
      if (operand.constraint != Constraint::reuse) continue;
      const std::uint32_t source = inst.operands + operand.fixed.number;
      if (live_.next_after[source] == kDead)
        want(f_.operands[source].vreg.index, 0xff, v);
      else if ((inst.flags & mir::kCommutative) && live_.next_after[inst.operands + 1] == kDead)
        want(f_.operands[inst.operands + 1].vreg.index, 0xff, v);
    }
    if ((inst.flags & mir::kMove) && moved_from != kNone && moved_to != kNone) {
      if (moved_to_fixed != 0xff)
        want(moved_from, moved_to_fixed, kNone);
      else
        want(moved_from, 0xff, moved_to);
    }
  }

  static void merge(Pressure& into, const Pressure& from) {
    into.gpr = std::max(into.gpr, from.gpr);
    into.vec = std::max(into.vec, from.vec);
    into.call |= from.call;
  }
  void pass_pressure_up(std::uint32_t b) {
    const std::uint32_t parent = live_.parent_loop[b];
    if (parent != kNone && !f_.blocks[b].cold) merge(live_.loop_pressure[parent], live_.loop_pressure[b]);
  }

  const Function& f_;
  Arena& arena_;
  ArenaVector<Use> uses_;
  ArenaVector<std::uint32_t> near_;
  const std::uint32_t blocks_, vregs_;
  Liveness live_;
  bool has_back_edge_ = false;
  struct Now {
    std::uint32_t next = kDead, stamp = kNone;
    std::uint32_t urgency = 0;  ///< sum of the likelihood of each use over its distance
  };
  std::span<Now> now_;  ///< by vreg
  std::span<std::uint32_t> hint_weight_;
  std::uint32_t current_ = 0, weight_ = 0;
  Pressure live_now_;
};

}  // namespace

bool Liveness::is_live_in(std::uint32_t vreg, std::uint32_t block) const {
  const auto entries = live_in_of(block);
  const auto found = std::lower_bound(entries.begin(), entries.end(), vreg,
                                      [](const LiveIn& entry, std::uint32_t v) { return entry.vreg < v; });
  return found != entries.end() && found->vreg == vreg;
}

Liveness compute_liveness(const Function& function, Arena& arena, Mode mode) {
  return Builder(function, arena, mode).run();
}

}  // namespace nebulet::wasm::regalloc
