// SPDX-License-Identifier: MIT
// The lock of the machine's own data. Never held across a call into the kernel; a holder cannot be preempted,
// since only wasm code is. A waiter with interrupts off still answers TLB requests, or two CPUs could wait
// for each other.
#pragma once

#include <atomic>

#include "machine/include/machine/cpu.h"

namespace nebulet::machine {

/// Drops translations that another CPU took away, if one asks for it. See tlb.h.
void answer_tlb_request();

class __attribute__((capability("mutex"))) SpinLock {
 public:
  void lock() __attribute__((acquire_capability())) {
    while (locked_.exchange(true, std::memory_order_acquire)) {  // pairs with unlock
      while (locked_.load(std::memory_order_relaxed)) {
        spin_hint();
        answer_tlb_request();
      }
    }
  }
  void unlock() __attribute__((release_capability())) { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_ = false;
};

class __attribute__((scoped_lockable)) SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) __attribute__((acquire_capability(lock))) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() __attribute__((release_capability())) { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace nebulet::machine
