// SPDX-License-Identifier: MIT
// Tasks that wait for a condition.
#pragma once

#include <boost/intrusive/list.hpp>

#include "kernel/sched/scheduler.h"
#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {

/// The waiter tests its condition, the waker makes it true and then calls wake_all: no wake-up is lost in
/// between.
class WaitQueue {
 public:
  /// Waits until `condition()` holds; false if the deadline passed first. Thread context, no locks held.
  template <class Condition>
  bool wait(Condition condition, std::uint64_t deadline = kForever) {
    Waiter waiter{.task = Scheduler::current()};
    for (;;) {
      add(waiter);
      if (condition()) break;
      if (deadline != kForever && machine::monotonic_ns() >= deadline) {
        remove(waiter);
        return condition();
      }
      Scheduler::park_until(deadline);
      remove(waiter);
    }
    remove(waiter);
    return true;
  }
  /// Callable in interrupt handlers.
  void wake_all();
  /// Wakes who waits longest. If it does not take what it was woken for, it must wake the next: another call
  /// before it ran wakes it a second time.
  void wake_one();

 private:
  struct Waiter {
    Task* task;
    boost::intrusive::list_member_hook<> hook = {};
  };
  void add(Waiter& waiter);
  void remove(Waiter& waiter);

  SpinLock lock_;
  boost::intrusive::list<
      Waiter, boost::intrusive::member_hook<Waiter, boost::intrusive::list_member_hook<>, &Waiter::hook>>
      waiters_;
};

/// A lock that may be held while blocking. Not recursive.
class Mutex {
 public:
  void lock() {
    queue_.wait([this] { return !locked_.exchange(true, std::memory_order_acquire); });
  }
  void unlock() {
    locked_.store(false, std::memory_order_release);
    queue_.wake_all();
  }

 private:
  std::atomic<bool> locked_ = false;
  WaitQueue queue_;
};

/// Holds a Mutex for a scope.
class MutexGuard {
 public:
  explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexGuard() { mutex_.unlock(); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace nebulet::kernel
