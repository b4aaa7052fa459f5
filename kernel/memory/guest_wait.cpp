// SPDX-License-Identifier: MIT
// memory.atomic.wait and notify: threads that wait at addresses in shared memories.
#include <algorithm>
#include <array>
#include <atomic>

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
  Waiter* next = nullptr;
  Waiter* previous = nullptr;
};

/// The waiters at some addresses, of all processes; who waits longest is first.
struct Bucket {
  SpinLock lock;
  Waiter* first NB_GUARDED_BY(lock) = nullptr;
  Waiter* last NB_GUARDED_BY(lock) = nullptr;

  void add(Waiter& waiter) NB_REQUIRES(lock) {
    waiter.previous = last;
    (last != nullptr ? last->next : first) = &waiter;
    last = &waiter;
  }
  void remove(Waiter& waiter) NB_REQUIRES(lock) {
    (waiter.previous != nullptr ? waiter.previous->next : first) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last) = waiter.previous;
  }
};

constexpr unsigned kBucketBits = 8;
constinit std::array<Bucket, 1 << kBucketBits> g_buckets;

Bucket& bucket_of(const std::byte* at) {
  const std::uint64_t hash = reinterpret_cast<std::uint64_t>(at) / 4 * 0x9e37'79b9'7f4a'7c15;
  return g_buckets[hash >> (64 - kBucketBits)];
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
  Bucket& bucket = bucket_of(at);
  {
    const SpinGuard guard(bucket.lock);
    if (load(at, bytes) != expected) return Waited::not_equal;
    bucket.add(self);
  }
  while (!self.woken.load(std::memory_order_acquire) && machine::monotonic_ns() < deadline &&
         !(ending_ && ending_->load(std::memory_order_relaxed)))
    Scheduler::park_until(deadline);
  const SpinGuard guard(bucket.lock);
  if (self.woken.load(std::memory_order_relaxed)) return Waited::woken;
  bucket.remove(self);
  return Waited::timed_out;
}

std::uint32_t ProcessMemory::notify(const std::byte* at, std::uint32_t count) {
  std::uint32_t woken = 0;
  Bucket& bucket = bucket_of(at);
  const SpinGuard guard(bucket.lock);
  for (Waiter* waiter = bucket.first; waiter != nullptr && woken < count;) {
    Waiter* const next = waiter->next;
    if (waiter->at == at) {
      bucket.remove(*waiter);
      ++woken;
      Task* task = waiter->task;
      waiter->woken.store(true,
                          std::memory_order_release);  // pairs with wait; the lock keeps the waiter here
      Scheduler::unpark(*task);
    }
    waiter = next;
  }
  return woken;
}

}  // namespace nebulet::kernel
