// SPDX-License-Identifier: MIT
// Which spill slots hold traced references while a call runs: what the garbage collector must find.
#pragma once

#include "wasm/regalloc/liveness.h"
#include "wasm/regalloc/slots.h"

namespace nebulet::wasm::regalloc {

/// Fills Result::maps, map_slots and map_of. Cost: linear in the function and its live-in sets. In
/// block-local mode nothing is known about liveness; one map for all calls then names every slot that may
/// hold a reference.
void find_safepoints(const mir::Function& function, const Liveness& live, const Slots& slots, Arena& arena,
                     Result& result);

}  // namespace nebulet::wasm::regalloc
