// SPDX-License-Identifier: MIT
// Ends an activation from inside the runtime: how a trap gets from where it happens to invoke.
#pragma once

#include <vector>

#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {

/// From a host function or builtin that wasm code called: records the trap at its return address and drops
/// back to invoke.
[[noreturn]] void trap_from_call(StackControl& control, Trap trap);

/// What invoke reports about a trapped activation. The wasm stack still holds the frames.
std::vector<Frame> backtrace(const WasmStack& stack, const Activation& activation);

}  // namespace nebulet::wasm
