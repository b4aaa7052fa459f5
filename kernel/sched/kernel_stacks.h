// SPDX-License-Identifier: MIT
// Where tasks run in the kernel: stacks with a guard below, kept for the next task when one ends.
#pragma once

#include <cstddef>

namespace nebulet::kernel {

constexpr std::size_t kKernelStackSize = 256 * 1024;

/// The lowest address; nullptr: no memory.
std::byte* allocate_kernel_stack();
void free_kernel_stack(std::byte* stack);

}  // namespace nebulet::kernel
