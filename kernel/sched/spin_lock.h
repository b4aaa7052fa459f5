// SPDX-License-Identifier: MIT
// How the kernel takes spin locks: with interrupts off, so interrupt handlers may take them too.
#pragma once

#include "base/spin_lock.h"
#include "machine/include/machine/cpu.h"

namespace nebulet::kernel {

/// Interrupts off, then the lock; undone in the opposite order. Nothing under it may block, fault or touch
/// guest memory.
class NB_SCOPED_CAPABILITY SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) NB_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() NB_RELEASE() { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  const machine::InterruptGuard interrupts_;
  SpinLock& lock_;
};

/// For locks that no interrupt handler takes: they stay on.
using ThreadGuard = nebulet::SpinGuard;

}  // namespace nebulet::kernel
