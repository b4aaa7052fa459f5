// SPDX-License-Identifier: MIT
// Whose code a thread runs at the moment, for a profiler: the frames of a wasm stack at any instruction.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/runtime/stack.h"

namespace nebulet::wasm {

/// In an interrupt handler of the CPU that runs wasm code at `pc` with this `sp`: the addresses of the
/// functions, innermost first, as many as there is room for. How many.
std::size_t sample_wasm(std::uint64_t pc, std::uint64_t sp, std::span<std::uint64_t> functions);
/// The same while `stack`'s code is in a host call.
std::size_t sample_host_call(const WasmStack& stack, std::span<std::uint64_t> functions);

}  // namespace nebulet::wasm
