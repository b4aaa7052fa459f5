// SPDX-License-Identifier: MIT
#include "kernel/object/timer.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {

Timer::~Timer() { Scheduler::cancel_alarm(*this); }

void Timer::set(std::uint64_t deadline, std::uint64_t period_ns) {
  const MutexGuard guard(lock_);
  Scheduler::cancel_alarm(*this);
  signal(Signal::signaled, {});
  period_.store(period_ns, std::memory_order_relaxed);
  next_.store(deadline, std::memory_order_relaxed);
  Scheduler::set_alarm(*this, deadline);
}

void Timer::cancel() {
  const MutexGuard guard(lock_);
  Scheduler::cancel_alarm(*this);
  signal(Signal::signaled, {});
}

std::uint64_t Timer::ring(std::uint64_t now) {
  signal({}, Signal::signaled);
  const std::uint64_t period = period_.load(std::memory_order_relaxed);
  if (period == 0) return kForever;
  // Times that were missed are left out; the rhythm stays.
  const std::uint64_t last = next_.load(std::memory_order_relaxed);
  const std::uint64_t missed = now > last ? (now - last) / period : 0;
  const std::uint64_t next = last + (missed + 1) * period;
  next_.store(next, std::memory_order_relaxed);
  return next;
}

}  // namespace nebulet::kernel
