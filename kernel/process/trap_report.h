// SPDX-License-Identifier: MIT
// What the log says of a trap.
#pragma once

#include <string_view>

#include "kernel/process/process.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

/// Logs the trap, where it happened, and who called that. `name` is the program's and `code` its code; frames
/// of other code are the library's.
void report_trap(Process& process, const wasm::Outcome& outcome, std::string_view name,
                 const wasm::ModuleCode& code);

}  // namespace nebulet::kernel
