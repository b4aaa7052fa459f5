// SPDX-License-Identifier: MIT
// What the log and a core dump say of a trap.
#pragma once

#include <string>
#include <vector>

#include "kernel/loader/program.h"
#include "kernel/process/process.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

/// Lines: the trap, or an exception that nobody caught, where it happened, and who called that.
std::vector<std::string> describe_trap(Process& process, const wasm::Outcome& outcome,
                                       const Program& program);

}  // namespace nebulet::kernel
