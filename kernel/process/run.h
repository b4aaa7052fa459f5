// SPDX-License-Identifier: MIT
// Calling a program's functions on one of its threads, and what follows if one does not return.
#pragma once

#include <span>

#include "kernel/loader/program.h"
#include "kernel/process/thread.h"

namespace nebulet::kernel {

/// Calls `function` of `program`. False: it did not return; then the process is ending, and a trap or an
/// uncaught exception is in the log.
bool run(Thread& thread, const Program& program, wasm::Function& function,
         std::span<const wasm::Value> arguments, std::span<wasm::Value> results);
/// The functions have neither parameters nor results.
bool run_all(Thread& thread, const Program& program, std::span<wasm::Function* const> functions);

/// A thread, not launched, with a copy of `program`, of which instance `index` asks for it; see thread_spawn
/// in docs/reference/abi.md. `number` is the thread's.
Result<Ref<Thread>> make_thread(Process& process, const Program& program, std::size_t index,
                                std::uint32_t number, std::uint32_t argument);

}  // namespace nebulet::kernel
