// SPDX-License-Identifier: MIT
// The front end: one function body of a decoded module to the engine's SSA form, validated in the same walk.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/binary/module.h"
#include "wasm/error.h"
#include "wasm/ir/ir.h"

namespace nebulet::wasm {

/// Validates the body of defined function `defined_index` (function index minus imported functions) and
/// builds `out`, which must be empty; temporaries come from its arena too. Blocks are in walk order and all
/// reachable; preds, idom and loops are not computed. On failure `out` is unusable. Work and output are
/// linear in the body: what exceeds the compile budget fails with Error::Kind::limit.
/// With `memory_units` the budget is smaller: Error::Kind::limit then also says that the SSA form would be
/// large.
Result<> build_function(const Module& module, std::uint32_t defined_index, ir::Function& out,
                        std::uint64_t memory_units = ~std::uint64_t{0});

/// Takes a function in segments.
struct SegmentSink {
  /// The blocks of a segment in their order; `labels` has the label of each. Blocks have no parameters (but
  /// the entry those of the function), edges no arguments; `to` of an edge is a label.
  Result<> (*segment)(void* state, ir::Function& function, std::span<const std::uint32_t> labels);
  /// After the last segment; the frame needs `cells` cells.
  /// `references`: the cells that have held traced references.
  Result<> (*finish)(void* state, std::span<const ir::LabelAlias> aliases, std::uint32_t cells,
                     std::span<const std::uint32_t> references);
  void* state;
  std::uint32_t cell_bytes;  ///< 8 or 16
};

/// Like build_function for functions of any size, in memory that does not grow with the code: each segment is
/// built in `segment`, whose arena is reset when the sink has taken it. Not optimized: all values pass
/// through cells of the frame between basic blocks. `keep` is for what must be kept about labels and locals.
/// Fails with `wide_cells_needed()` if a v128 must be kept in a cell of 8 bytes.
Result<> build_in_segments(const Module& module, std::uint32_t defined_index, ir::Function& segment,
                           Arena& keep, const SegmentSink& sink);
Error wide_cells_needed();
bool is_wide_cells_needed(const Error& error);

}  // namespace nebulet::wasm
