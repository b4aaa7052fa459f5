// SPDX-License-Identifier: MIT
#include "wasm/ir/cfg.h"

namespace nebulet::wasm::ir {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;

/// Works on the numbers of a depth-first search ("rpo"), and rewrites the function at the end.
class Builder {
 public:
  explicit Builder(Function& f) : f_(f), arena_(*f.arena) {}

  void run() {
    number_blocks();
    collect_preds();
    find_dominators();
    find_loops();
    order_blocks();
    rewrite();
    mark_cold();
  }

 private:
  template <class Fn>
  void for_each_successor(std::uint32_t block, Fn fn) const {
    const Inst& end = f_[f_.terminator(Block(block))];
    for (std::uint32_t i = 0, n = edge_count(end); i < n; ++i) fn(f_[edge_at(end, i)].to.index);
  }

  // A depth-first search with an explicit stack. rpo_ lists the blocks reached; number_ is the inverse.
  void number_blocks() {
    struct Frame {
      std::uint32_t block, next;
    };
    const std::uint32_t n = f_.blocks.size();
    number_ = arena_.allocate_array<std::uint32_t>(n, kNone);
    auto postorder = arena_.allocate_array<std::uint32_t>(n);
    std::uint32_t done = 0;
    ArenaVector<Frame> stack(arena_);
    number_[0] = 0;
    stack.push_back({0, 0});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const Inst& end = f_[f_.terminator(Block(frame.block))];
      if (frame.next == edge_count(end)) {
        postorder[done++] = frame.block;
        stack.pop_back();
        continue;
      }
      // The last edge is visited last and so comes first in the reverse postorder: where a br_if is not
      // taken, control falls through.
      const std::uint32_t to = f_[edge_at(end, frame.next++)].to.index;
      if (number_[to] == kNone) {
        number_[to] = 0;
        stack.push_back({to, 0});
      }
    }
    count_ = done;
    rpo_ = arena_.allocate_array<std::uint32_t>(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
      rpo_[i] = postorder[count_ - 1 - i];
      number_[rpo_[i]] = i;
    }
  }

  // Predecessors by rpo number, as edges. Counted first, so that one array holds all.
  void collect_preds() {
    pred_begin_ = arena_.allocate_array<std::uint32_t>(count_ + 1, 0u);
    std::uint32_t total = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      for_each_successor(rpo_[i], [&](std::uint32_t to) { ++pred_begin_[number_[to]], ++total; });
    }
    for (std::uint32_t i = 0, sum = 0; i <= count_; ++i) {
      const std::uint32_t n = i < count_ ? pred_begin_[i] : 0;
      pred_begin_[i] = sum;
      sum += n;
    }
    preds_ = arena_.allocate_array<std::uint32_t>(total);
    auto fill = arena_.allocate_array<std::uint32_t>(count_);
    for (std::uint32_t i = 0; i < count_; ++i) fill[i] = pred_begin_[i];
    for (std::uint32_t i = 0; i < count_; ++i) {
      const Inst& end = f_[f_.terminator(Block(rpo_[i]))];
      for (std::uint32_t e = 0; e < edge_count(end); ++e) {
        const Edge edge = edge_at(end, e);
        preds_[fill[number_[f_[edge].to.index]]++] = edge.index;
      }
    }
  }
  std::span<const std::uint32_t> preds(std::uint32_t i) const {
    return preds_.subspan(pred_begin_[i], pred_begin_[i + 1] - pred_begin_[i]);
  }
  std::uint32_t source(std::uint32_t edge) const { return number_[f_.edges[edge].from.index]; }

  // In a reducible graph a block's idom is the lowest common ancestor of its forward predecessors. Jump
  // pointers (Myers 1983) bound each query by O(log n) whatever the shape of the tree.
  void find_dominators() {
    idom_ = arena_.allocate_array<std::uint32_t>(count_, 0u);
    jump_ = arena_.allocate_array<std::uint32_t>(count_, 0u);
    depth_ = arena_.allocate_array<std::uint32_t>(count_, 0u);
    for (std::uint32_t i = 1; i < count_; ++i) {
      std::uint32_t dom = kNone;
      for (std::uint32_t edge : preds(i)) {
        const std::uint32_t from = source(edge);
        if (from < i) dom = dom == kNone ? from : common_ancestor(dom, from);
      }
      idom_[i] = dom;
      depth_[i] = depth_[dom] + 1;
      const std::uint32_t up = jump_[dom];
      jump_[i] = depth_[dom] - depth_[up] == depth_[up] - depth_[jump_[up]] ? jump_[up] : dom;
    }
  }
  std::uint32_t common_ancestor(std::uint32_t a, std::uint32_t b) const {
    if (depth_[a] < depth_[b]) std::swap(a, b);
    while (depth_[a] > depth_[b]) a = depth_[jump_[a]] >= depth_[b] ? jump_[a] : idom_[a];
    while (a != b) {
      const bool far = jump_[a] != jump_[b];
      a = far ? jump_[a] : idom_[a];
      b = far ? jump_[b] : idom_[b];
    }
    return a;
  }

  std::uint32_t find(std::uint32_t i) {
    while (outer_[i] != i) i = outer_[i] = outer_[outer_[i]];
    return i;
  }
  // Innermost loops first: walk back from the latches and merge what is met into the header (Tarjan 1974).
  void find_loops() {
    parent_ = arena_.allocate_array<std::uint32_t>(count_, kNone);
    is_header_ = arena_.allocate_array<bool>(count_, false);
    outer_ = arena_.allocate_array<std::uint32_t>(count_);
    for (std::uint32_t i = 0; i < count_; ++i) outer_[i] = i;
    ArenaVector<std::uint32_t> work(arena_);
    for (std::uint32_t header = count_; header-- > 0;) {
      work.clear();
      for (std::uint32_t edge : preds(header)) {
        if (source(edge) < header) continue;
        is_header_[header] = true;
        work.push_back(find(source(edge)));
      }
      while (!work.empty()) {
        const std::uint32_t block = find(work.back());
        work.pop_back();
        if (block == header) continue;
        parent_[block] = header;
        outer_[block] = header;
        for (std::uint32_t edge : preds(block)) {
          if (const std::uint32_t from = find(source(edge)); from != header) work.push_back(from);
        }
      }
    }
  }

  // Every loop's blocks and inner loops in reverse postorder, an inner loop as a whole at its header's place.
  void order_blocks() {
    auto next = arena_.allocate_array<std::uint32_t>(count_, kNone);   // sibling
    auto first = arena_.allocate_array<std::uint32_t>(count_, kNone);  // child of a header
    std::uint32_t top = kNone;
    for (std::uint32_t i = count_; i-- > 0;) {
      std::uint32_t& list = parent_[i] == kNone ? top : first[parent_[i]];
      next[i] = list;
      list = i;
    }
    final_ = arena_.allocate_array<std::uint32_t>(count_);
    position_ = arena_.allocate_array<std::uint32_t>(count_);
    ArenaVector<std::uint32_t> stack(arena_);
    std::uint32_t placed = 0;
    for (std::uint32_t i = top; i != kNone || !stack.empty();) {
      if (i == kNone) {
        i = stack.back();
        stack.pop_back();
        continue;
      }
      position_[i] = placed;
      final_[placed++] = i;
      if (first[i] != kNone) {
        stack.push_back(next[i]);
        i = first[i];
      } else {
        i = next[i];
      }
    }
  }

  void rewrite() {
    auto blocks = arena_.allocate_array<BlockData>(count_);
    for (std::uint32_t p = 0; p < count_; ++p) {
      const std::uint32_t i = final_[p];
      BlockData data = f_.blocks[rpo_[i]];
      data.pred_count = 0;
      data.idom = i == 0 ? Block::none() : Block(position_[idom_[i]]);
      const std::uint32_t header = is_header_[i] ? i : parent_[i];
      data.loop_header = header == kNone ? Block::none() : Block(position_[header]);
      const std::uint32_t enclosing = parent_[i];
      data.loop_depth =
          (enclosing == kNone ? 0 : blocks[position_[enclosing]].loop_depth) + (is_header_[i] ? 1 : 0);
      data.preds = f_.pool.size();
      for (std::uint32_t edge : preds(i)) f_.pool.push_back(edge);
      data.pred_count = static_cast<std::uint32_t>(preds(i).size());
      blocks[p] = data;
    }
    for (std::uint32_t i = 0; i < count_; ++i) {
      const Inst& end = f_[f_.terminator(Block(rpo_[i]))];
      for (std::uint32_t e = 0; e < edge_count(end); ++e) {
        EdgeData& edge = f_[edge_at(end, e)];
        edge.from = Block(position_[i]);
        edge.to = Block(position_[number_[edge.to.index]]);
      }
    }
    f_.blocks.clear();
    f_.blocks.append(blocks);
  }

  void mark_cold() {
    for (std::uint32_t b = f_.blocks.size(); b-- > 0;) {
      bool all_cold = true;
      std::uint32_t n = 0;
      for_each_successor(b, [&](std::uint32_t to) { all_cold &= to > b && f_.blocks[to].cold, ++n; });
      if (n != 0 && all_cold) f_.blocks[b].cold = true;
    }
  }

  Function& f_;
  Arena& arena_;
  std::uint32_t count_ = 0;                      // reachable blocks
  std::span<std::uint32_t> number_, rpo_;        // block → rpo number, and back
  std::span<std::uint32_t> pred_begin_, preds_;  // by rpo number: incoming edges
  std::span<std::uint32_t> idom_, jump_, depth_;
  std::span<std::uint32_t>
      parent_;  // header of the innermost loop that a block (a header: as a whole) lies in
  std::span<std::uint32_t> outer_;  // union-find: the outermost loop found so far
  std::span<bool> is_header_;
  std::span<std::uint32_t> final_, position_;  // final order by rpo number, and its inverse
};

}  // namespace

void compute_cfg(Function& function) { Builder(function).run(); }

void split_critical_edges(Function& f) {
  const std::uint32_t original = f.blocks.size();
  bool any = false;
  for (std::uint32_t b = 0; b < original; ++b) {
    const Inst end = f[f.terminator(Block(b))];
    const std::uint32_t n = edge_count(end);
    if (n < 2) continue;
    for (std::uint32_t i = 0; i < n; ++i) {
      const Edge edge = edge_at(end, i);
      const BlockData& to = f[f[edge].to];
      if (to.pred_count == 1 && to.param_count == 0) continue;
      any = true;
      const Block middle(f.blocks.size());
      const Edge out(f.edges.size());
      f.edges.push_back({middle, f[edge].to, f[edge].args, f[edge].count});
      f[edge].to = middle;
      f[edge].count = 0;
      BlockData data;
      data.first = f.order.size();
      data.count = 1;
      data.cold = to.cold;
      f.order.push_back(f.add({.op = Op::br, .imm = out.index}, f.positions[f.terminator(Block(b)).index]));
      f.blocks.push_back(data);
    }
  }
  if (any) compute_cfg(f);
}

DominatorTree::DominatorTree(const Function& f) {
  const std::uint32_t n = f.blocks.size();
  first_ = f.arena->allocate_array<std::uint32_t>(n, 0u);
  last_ = f.arena->allocate_array<std::uint32_t>(n, 0u);
  // A block's idom has a lower number, so subtree sizes add up in one backward sweep and preorder numbers in
  // one forward.
  auto size = f.arena->allocate_array<std::uint32_t>(n, 1u);
  for (std::uint32_t b = n; b-- > 1;) size[f.blocks[b].idom.index] += size[b];
  auto next = f.arena->allocate_array<std::uint32_t>(n, 0u);
  for (std::uint32_t b = 0; b < n; ++b) {
    if (b != 0) {
      std::uint32_t& at = next[f.blocks[b].idom.index];
      first_[b] = at;
      at += size[b];
    }
    last_[b] = first_[b] + size[b] - 1;
    next[b] = first_[b] + 1;
  }
}

}  // namespace nebulet::wasm::ir
