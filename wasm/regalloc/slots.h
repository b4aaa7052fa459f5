// SPDX-License-Identifier: MIT
// Memory of spilled values: where each is stored, and which values share a slot.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/regalloc/allocator.h"

namespace nebulet::wasm::regalloc {

/// Where each value in memory is stored: at one place, or wherever it leaves its register.
struct Stores {
  ArenaVector<Edit> at_defs;  ///< directly behind the definition
  ArenaVector<Edit> at_ends;  ///< at the end of a block, before its edge's moves
  struct Place {
    std::uint32_t block = kNone;  ///< from its end on the value is in its slot; kNone: there is no such place
    std::uint32_t at_def = kNone,
                  at_end = kNone;  ///< the store in at_defs or at_ends; otherwise in the walk's
    bool at_evictions = false;     ///< at each eviction, whose edit is in the walk's or in at_ends
  };
  std::span<Place> place;  ///< by vreg
};

/// Chooses for each spilled value the cheapest point between its definition and its spill point, or its
/// evictions if they are all together cheaper (calls on paths that are rarely taken), and enables or adds the
/// stores there. Requires: evictions on edges are recorded. Slots are named by vreg.
Stores place_stores(const mir::Function& function, Allocator& allocator, Arena& arena);

struct Slots {
  std::span<std::uint32_t> offset;  ///< by vreg; kNone: has no slot
  std::uint32_t bytes = 0;
};

/// Values that an edge passes on share a slot where they can; so do webs of such values whose live ranges do
/// not overlap in the visiting order.
Slots color_slots(const mir::Function& function, const Allocator& allocator, Arena& arena);

/// Whether `param` needs no store on the edge that leaves `block` and passes `arg`.
bool holds_at_end(const mir::Function& function, const Allocator& allocator, const Stores& stores,
                  const Slots& slots, std::uint32_t param, std::uint32_t arg, std::uint32_t block);

/// Lets parameters that are in a register and are stored later arrive in their slots as well (slot_at_def),
/// where that is cheaper because most arguments are there.
void store_on_edges(const mir::Function& function, Allocator& allocator, const Slots& slots, Stores& stores);

}  // namespace nebulet::wasm::regalloc
