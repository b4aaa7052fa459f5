// SPDX-License-Identifier: MIT
// A compilation on several CPUs: tasks of the kernel beside the one that asked for it.
#pragma once

namespace nebulet::kernel {

/// wasm::Workers::run: calls `work(argument)` in the calling task and in as many helpers as the std::uint32_t
/// at `helpers` says; fewer if there is no memory for their stacks. Thread context.
void run_tasks(void* helpers, void (*work)(void*), void* argument);

}  // namespace nebulet::kernel
