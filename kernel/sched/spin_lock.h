// SPDX-License-Identifier: MIT
// A lock for a few instructions of shared data. Taken with interrupts off, so interrupt handlers may take it
// too.
#pragma once

#include <atomic>

#include "machine/include/machine/cpu.h"

namespace nebulet::kernel {

/// Nothing under it may block, fault or touch guest memory.
class __attribute__((capability("mutex"))) SpinLock {
 public:
  void lock() __attribute__((acquire_capability())) {
    while (locked_.exchange(true, std::memory_order_acquire))  // pairs with unlock
      while (locked_.load(std::memory_order_relaxed)) machine::spin_hint();
  }
  void unlock() __attribute__((release_capability())) { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_ = false;
};

/// Interrupts off, then the lock; undone in the opposite order.
class __attribute__((scoped_lockable)) SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) __attribute__((acquire_capability(lock))) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() __attribute__((release_capability())) { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  const machine::InterruptGuard interrupts_;
  SpinLock& lock_;
};

}  // namespace nebulet::kernel
