// SPDX-License-Identifier: MIT
#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

void WaitQueue::add(Waiter& waiter) {
  const SpinGuard guard(lock_);
  waiters_.push_back(waiter);
}

void WaitQueue::remove(Waiter& waiter) {
  const SpinGuard guard(lock_);
  waiters_.erase(waiters_.iterator_to(waiter));
}

void WaitQueue::wake_all() {
  // Under the lock: a waiter cannot end before it has removed itself.
  const SpinGuard guard(lock_);
  for (Waiter& waiter : waiters_) Scheduler::unpark(*waiter.task);
}

void WaitQueue::wake_one() {
  const SpinGuard guard(lock_);
  if (!waiters_.empty()) Scheduler::unpark(*waiters_.front().task);
}

}  // namespace nebulet::kernel
