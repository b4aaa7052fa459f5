// SPDX-License-Identifier: MIT
// What is left of a process that trapped, for debuggers, in the format of WebAssembly's tool conventions
// (github.com/WebAssembly/tool-conventions, Coredump.md): a module with sections for the stack, memories and
// globals. docs/reference/insight.md says what is in it.
#pragma once

#include <span>
#include <string>

#include "kernel/loader/program.h"
#include "kernel/process/process.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {

/// From now on the first process that traps is dumped.
void want_core_dump();

/// Writes the dump to the machine's console if it is wanted and the first. On the thread that trapped, whose
/// process is ending; waits for its other threads. `report` is what describe_trap said.
void dump_core(Process& process, const Program& program, const wasm::Outcome& outcome,
               std::span<const std::string> report);

}  // namespace nebulet::kernel
