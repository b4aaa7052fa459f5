// SPDX-License-Identifier: MIT
// The passes over the SSA form, in the order in which optimize.cpp runs them.
#pragma once

#include "wasm/ir/ir.h"

namespace nebulet::wasm::opt {

/// Makes comparisons and branches of each br_table that needs at most three of them.
/// Requires: nothing. Breaks: cfg.
void expand_switches(ir::Function& function);

/// Folds constants, applies algebraic rules, merges equal computations (dominator-based value numbering), and
/// turns branches on constants into jumps. One walk; every use sees its operands already simplified.
/// Requires: cfg. Preserves: nothing of the cfg if it returns true (a branch was folded), everything
/// otherwise.
bool simplify(ir::Function& function);

/// Makes loads and stores of each memory.copy and memory.fill of few bytes whose number is a constant. True
/// if there was one. Requires: nothing. Preserves: cfg.
bool expand_bulk(ir::Function& function);

/// Replaces reads of globals, table sizes and memory sizes whose value is known from an earlier read or
/// write, and removes writes of a global that the same block overwrites unseen. True if it replaced
/// something. Requires: cfg. Preserves: cfg.
bool forward_state(ir::Function& function);

/// Removes instructions that have no effect and whose result nobody needs, and block parameters that nobody
/// reads. Requires: cfg. Preserves: cfg.
void eliminate_dead_code(ir::Function& function);

}  // namespace nebulet::wasm::opt
