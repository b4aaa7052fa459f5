// SPDX-License-Identifier: MIT
// Memory of spilled values: where each is stored, and which values share a slot.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/regalloc/allocator.h"

namespace nebulet::wasm::regalloc {

/// Stores that are not part of the walk's edits.
struct Stores {
  ArenaVector<Edit> at_defs;  ///< directly behind the definition
  ArenaVector<Edit> at_ends;  ///< at the end of a block, before its edge's moves
};

/// Chooses for each spilled value the cheapest point between its definition and its spill point, and enables
/// or adds the store there. Requires: evictions on edges are recorded. Slots are named by vreg.
Stores place_stores(const mir::Function& function, Allocator& allocator, Arena& arena);

struct Slots {
  std::span<std::uint32_t> offset;  ///< by vreg; kNone: has no slot
  std::uint32_t bytes = 0;
};

/// Values whose live ranges do not overlap in the visiting order share a slot of their size.
Slots color_slots(const mir::Function& function, const Allocator& allocator, Arena& arena);

}  // namespace nebulet::wasm::regalloc
