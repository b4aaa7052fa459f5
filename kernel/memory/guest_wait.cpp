// SPDX-License-Identifier: MIT
// memory.atomic.wait and notify: threads that wait at addresses in shared memories.
#include <algorithm>
#include <boost/intrusive/list.hpp>
#include <new>

#include "kernel/memory/process_memory.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {
namespace {

/// On the stack of the thread that waits.
struct Waiter {
  const std::byte* at;
  Task* task;
  std::atomic<bool> woken = false;
  boost::intrusive::list_member_hook<> hook = {};
};
using Waiters = boost::intrusive::list<
    Waiter, boost::intrusive::member_hook<Waiter, boost::intrusive::list_member_hook<>, &Waiter::hook>>;

constinit SpinLock g_lock;
/// Of all processes; who waits longest is first.
Waiters& waiters() NB_REQUIRES(g_lock) {
  alignas(Waiters) static constinit std::byte storage[sizeof(Waiters)]{};
  static constinit bool made = false;
  if (!made) new (storage) Waiters;
  made = true;
  return *std::launder(reinterpret_cast<Waiters*>(storage));
}

std::uint64_t load(const std::byte* at, unsigned bytes) {
  // SAFETY: aligned, inside a committed page that stays until the memory goes, which this thread keeps.
  if (bytes == 8) return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(at), __ATOMIC_SEQ_CST);
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at), __ATOMIC_SEQ_CST);
}

std::uint64_t deadline_in(std::int64_t timeout_ns) {
  if (timeout_ns < 0) return kForever;
  const std::uint64_t now = machine::monotonic_ns(), rest = kForever - 1 - now;
  return now + std::min(static_cast<std::uint64_t>(timeout_ns), rest);
}

}  // namespace

wasm::Host::Waited ProcessMemory::wait(const std::byte* at, unsigned bytes, std::uint64_t expected,
                                       std::int64_t timeout_ns) {
  const std::uint64_t deadline = deadline_in(timeout_ns);
  Waiter self{.at = at, .task = Scheduler::current()};
  {
    SpinGuard guard(g_lock);
    if (load(at, bytes) != expected) return Waited::not_equal;
    waiters().push_back(self);
  }
  while (!self.woken.load(std::memory_order_acquire) && machine::monotonic_ns() < deadline &&
         !(ending_ && ending_->load(std::memory_order_relaxed)))
    Scheduler::park_until(deadline);
  SpinGuard guard(g_lock);
  if (self.woken.load(std::memory_order_relaxed)) return Waited::woken;
  waiters().erase(waiters().iterator_to(self));
  return Waited::timed_out;
}

std::uint32_t ProcessMemory::notify(const std::byte* at, std::uint32_t count) {
  std::uint32_t woken = 0;
  SpinGuard guard(g_lock);
  for (auto i = waiters().begin(); i != waiters().end() && woken < count;) {
    Waiter& waiter = *i;
    if (waiter.at != at) {
      ++i;
      continue;
    }
    i = waiters().erase(i);
    ++woken;
    Task* task = waiter.task;
    waiter.woken.store(true, std::memory_order_release);  // pairs with wait; the lock keeps the waiter here
    Scheduler::unpark(*task);
  }
  return woken;
}

}  // namespace nebulet::kernel
