// SPDX-License-Identifier: MIT
// SpinLock: mutual exclusion for a few instructions, and the annotations that let the compiler check who
// holds it. Kernel code is not preempted, so a holder is never descheduled; no interrupt or fault handler may
// take one that its own CPU could hold.
#pragma once

#include <atomic>

#define NB_CAPABILITY(name) __attribute__((capability(name)))
#define NB_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define NB_GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define NB_REQUIRES(lock) __attribute__((requires_capability(lock)))
#define NB_EXCLUDES(lock) __attribute__((locks_excluded(lock)))
#define NB_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define NB_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))

namespace nebulet {

/// Not fair, not recursive.
class NB_CAPABILITY("mutex") SpinLock {
 public:
  constexpr SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() NB_ACQUIRE() {
    // Pairs with the release store in unlock.
    while (held_.exchange(true, std::memory_order_acquire)) {
      while (held_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
    }
  }
  void unlock() NB_RELEASE() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

/// Holds a SpinLock for a scope.
class NB_SCOPED_CAPABILITY SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) NB_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() NB_RELEASE() { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace nebulet
