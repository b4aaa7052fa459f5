// SPDX-License-Identifier: MIT
// What the log says of a trap.
#pragma once

#include "kernel/loader/program.h"
#include "kernel/process/process.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

/// Logs the trap, where it happened, and who called that.
void report_trap(Process& process, const wasm::Outcome& outcome, const Program& program);

}  // namespace nebulet::kernel
