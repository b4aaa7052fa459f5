// SPDX-License-Identifier: MIT
// Where compilations run: tasks of the kernel, with large stacks, beside the one that asked for it.
#pragma once

#include <memory>

namespace nebulet::kernel {

/// wasm::Workers::run: calls `work(argument)` in the calling task and in as many helpers as the std::uint32_t
/// at `helpers` says; fewer if there is no memory for their stacks. Thread context.
void run_tasks(void* helpers, void (*work)(void*), void* argument);

/// Calls `work(argument)` in a task with a large stack, whose time counts for the calling one, and waits
/// until it returned. False: no memory for the stack. Thread context.
bool run_on_large_stack(void (*work)(void*), void* argument);
template <class Work>
bool run_on_large_stack(Work work) {
  return run_on_large_stack([](void* self) { (*static_cast<Work*>(self))(); }, std::addressof(work));
}

}  // namespace nebulet::kernel
