// SPDX-License-Identifier: MIT
// Address space that processes gave back, kept with its first pages for the next one: making a process then
// changes no mapping. The pages are zeroed when they are given back, so no process sees what another left.
#pragma once

#include <cstddef>

#include "wasm/runtime/host.h"

namespace nebulet::kernel::slot_pool {

/// See wasm::Host. Any thread, not in fault handlers.
std::byte* take(const wasm::Host::Slot& slot);
void give(std::byte* base, const wasm::Host::Slot& slot);
/// Gives everything back to the machine.
void drain();

}  // namespace nebulet::kernel::slot_pool
