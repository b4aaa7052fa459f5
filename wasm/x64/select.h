// SPDX-License-Identifier: MIT
// Instruction selection: SSA to machine instructions over virtual registers, in the shapes that
// docs/concepts/generated-code.md allows.
#pragma once

#include "base/arena.h"
#include "wasm/binary/module.h"
#include "wasm/ir/ir.h"
#include "wasm/regalloc/mir.h"
#include "wasm/runtime/layout.h"

namespace nebulet::wasm::x64 {

/// Selects instructions for `function`, whose cfg is computed and whose critical edges are split. Time and
/// memory are linear in the function. Every temporary and the result live in `arena`. A function without
/// blocks if there would be more than about `most` instructions.
mir::Function select(const ir::Function& function, const Module& module, const ContextLayout& layout,
                     Arena& arena, std::uint64_t most = ~0ull);

/// A segment (ir::Function::is_segment) is selected as a chain of blocks; after allocation this puts the
/// edges into `out` as the emitter wants them: `to` is a label of the whole function.
void set_segment_edges(const ir::Function& segment, mir::Function& out);

}  // namespace nebulet::wasm::x64
