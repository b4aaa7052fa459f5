// SPDX-License-Identifier: MIT
// What the log says of a trap.
#pragma once

#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

/// Logs the trap, where it happened, and who called that.
void report_trap(const wasm::Outcome& outcome);

}  // namespace nebulet::kernel
