// SPDX-License-Identifier: MIT
// Independent check of an allocation: executes it symbolically over all paths, with the set of virtual
// registers whose value each location holds. Shares no code with the allocator.
#pragma once

#include <string>

#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc {

/// Empty if `result` is a correct allocation of `function`; otherwise what is wrong first. Trusts preds and
/// idom. With `registers`, operands without a fixed register must be in allocatable ones.
std::string check(const mir::Function& function, const Result& result, const Registers* registers = nullptr);

}  // namespace nebulet::wasm::regalloc
