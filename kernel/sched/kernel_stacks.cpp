// SPDX-License-Identifier: MIT
#include "kernel/sched/kernel_stacks.h"

#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

constexpr std::size_t kGuard = machine::kPageSize;

/// The first word of each stack points to the next.
struct Pool {
  SpinLock lock;
  std::byte* first = nullptr;
} pool;

}  // namespace

std::byte* allocate_kernel_stack() {
  {
    const SpinGuard guard(pool.lock);
    if (std::byte* stack = pool.first) {
      pool.first = *reinterpret_cast<std::byte**>(stack);
      return stack;
    }
  }
  std::byte* base = machine::reserve(kGuard + kKernelStackSize, machine::kPageSize);
  if (base == nullptr) return nullptr;
  if (!machine::commit(base + kGuard, kKernelStackSize, machine::Protection::read_write)) {
    machine::release(base, kGuard + kKernelStackSize);
    return nullptr;
  }
  return base + kGuard;
}

void free_kernel_stack(std::byte* stack) {
  const SpinGuard guard(pool.lock);
  *reinterpret_cast<std::byte**>(stack) = pool.first;
  pool.first = stack;
}

}  // namespace nebulet::kernel
