// SPDX-License-Identifier: MIT
#include "kernel/sched/kernel_stacks.h"

#include <array>

#include "base/assert.h"
#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/context.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

constexpr std::size_t kGuard = machine::kPageSize;
constexpr std::size_t kLarge = 256 * 1024 - kGuard;

/// The first word of each stack that is kept points to the next.
struct Pool {
  std::size_t most_kept;
  SpinLock lock;
  std::byte* first = nullptr;
  std::size_t kept = 0;
  std::size_t all = 0;
};
constinit std::array<Pool, 2> pools = {Pool{.most_kept = 64}, Pool{.most_kept = 8}};

Pool& pool_of(StackKind kind) { return pools[static_cast<std::size_t>(kind)]; }

/// Whether no task came near the guard: fresh stacks are zeroed, and the first word is the pool's.
[[maybe_unused, clang::no_sanitize("address", "thread")]] bool has_margin(const std::byte* stack) {
  constexpr std::size_t kMargin = 2048;
  const auto* const words = reinterpret_cast<const std::uint64_t*>(stack);
  for (std::size_t i = 1; i < kMargin / sizeof *words; ++i)
    if (words[i] != 0) return false;
  return true;
}

}  // namespace

std::size_t kernel_stack_size(StackKind kind) {
  return kind == StackKind::thread ? machine::kThreadStack.size : kLarge;
}

std::size_t kernel_stacks(StackKind kind) {
  const SpinGuard guard(pool_of(kind).lock);
  return pool_of(kind).all;
}

std::byte* allocate_kernel_stack(StackKind kind) {
  Pool& pool = pool_of(kind);
  {
    const SpinGuard guard(pool.lock);
    if (std::byte* stack = pool.first) {
      pool.first = *reinterpret_cast<std::byte**>(stack);
      --pool.kept;
      return stack;
    }
  }
  const std::size_t size = kernel_stack_size(kind);
  std::byte* base = machine::reserve(kGuard + size, machine::kPageSize);
  if (base == nullptr) return nullptr;
  if (!machine::commit(base + kGuard, size, machine::Protection::read_write)) {
    machine::release(base, kGuard + size);
    return nullptr;
  }
  const SpinGuard guard(pool.lock);
  ++pool.all;
  return base + kGuard;
}

void free_kernel_stack(std::byte* stack, StackKind kind) {
  NB_DEBUG_ASSERT(has_margin(stack));
  Pool& pool = pool_of(kind);
  {
    const SpinGuard guard(pool.lock);
    if (pool.kept < pool.most_kept) {
      *reinterpret_cast<std::byte**>(stack) = pool.first;
      pool.first = stack;
      ++pool.kept;
      return;
    }
    --pool.all;
  }
  const std::size_t size = kernel_stack_size(kind);
  machine::forget_context(stack, size);
  machine::release(stack - kGuard, kGuard + size);
}

}  // namespace nebulet::kernel
