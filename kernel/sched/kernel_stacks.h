// SPDX-License-Identifier: MIT
// Where tasks run in the kernel: stacks with a guard below, some of which are kept when a task ends. Threads
// of processes have small ones; what needs more runs as a task of its own (loader/compile_tasks.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::kernel {

enum class StackKind : std::uint8_t {
  thread,  ///< of the machine's size: enough for every kernel call
  large,   ///< for the compiler, and for what the kernel and its tests do themselves
};
std::size_t kernel_stack_size(StackKind kind);
/// How many stacks there are, used or kept.
std::size_t kernel_stacks(StackKind kind);

/// The lowest address; nullptr: no memory.
std::byte* allocate_kernel_stack(StackKind kind);
/// Nothing runs on it any more. Any context without locks.
void free_kernel_stack(std::byte* stack, StackKind kind);

}  // namespace nebulet::kernel
