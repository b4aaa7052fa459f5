// SPDX-License-Identifier: MIT
// The middle of the compiler: what happens to a function between the front end and instruction selection.
#pragma once

#include "wasm/ir/ir.h"

namespace nebulet::wasm::opt {

/// Runs all passes. Afterwards the cfg is computed and no edge is critical.
void optimize(ir::Function& function);

}  // namespace nebulet::wasm::opt
