// SPDX-License-Identifier: MIT
// The shape of a function: block order, predecessors, dominators, loops.
#pragma once

#include "wasm/ir/ir.h"

namespace nebulet::wasm::ir {

/// Drops unreachable blocks, numbers the others in a reverse postorder in which every loop is contiguous, and
/// fills the fields of BlockData that it names: preds, idom, loop_depth, loop_header; blocks all of whose
/// ways lead into cold ones become cold. Requires: a reducible graph (wasm's structured control gives no
/// other). Breaks: block numbers. Cost: O(edges · log blocks).
void compute_cfg(Function& function);

/// Puts an empty block on each edge whose source has several successors and whose target has several
/// predecessors or parameters. Requires: cfg. Preserves: cfg, which it updates.
void split_critical_edges(Function& function);

/// Answers "does a dominate b" in constant time. Requires: cfg; valid until the graph changes.
class DominatorTree {
 public:
  explicit DominatorTree(const Function& function);
  bool dominates(Block a, Block b) const {
    return first_[a.index] <= first_[b.index] && last_[b.index] <= last_[a.index];
  }

 private:
  std::span<std::uint32_t> first_, last_;  // preorder number of a block, and the largest one in its subtree
};

}  // namespace nebulet::wasm::ir
