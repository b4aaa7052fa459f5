// SPDX-License-Identifier: MIT
#include "kernel/object/wait_set.h"

#include "base/assert.h"
#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {

WaitSet::~WaitSet() {
  DropList list;
  no_handles(list);
}

/// Removes all entries, so that the set keeps no object alive that only it knows.
void WaitSet::no_handles(DropList&) {
  const MutexGuard edit(edit_);
  while (!entries_.empty()) take_out(*entries_.begin());
}

Result<> WaitSet::add(Ref<Object> object, Signals mask, std::uint64_t key) {
  if (object->type() == ObjectType::wait_set) return fail(Status::not_supported);
  auto charge = Charge::take(quota_, sizeof(Entry));
  if (!charge) return fail(charge.error());
  const MutexGuard edit(edit_);
  if (entries_.find(key) != entries_.end()) return fail(Status::invalid_argument);
  auto* entry =
      new (std::nothrow) Entry(*this, std::move(*charge), std::move(object), mask | Signal::closed, key);
  if (entry == nullptr) return fail(Status::out_of_memory);
  entries_.insert(*entry);
  entry->object->observe(*entry, entry->mask);
  return {};
}

Result<> WaitSet::remove(std::uint64_t key) {
  const MutexGuard edit(edit_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return fail(Status::not_found);
  take_out(*found);
  return {};
}

/// Under edit_. The object is left alone first, so that nobody tells the entry any more.
void WaitSet::take_out(Entry& entry) {
  entry.object->stop_observing(entry);
  {
    const SpinGuard guard(lock_);
    if (entry.in_ready.is_linked()) {
      ready_.erase(ready_.iterator_to(entry));
      --ready_count_;
    }
  }
  entries_.erase(entries_.iterator_to(entry));
  delete &entry;
}

void WaitSet::told(Entry& entry) {
  {
    const SpinGuard guard(lock_);
    if (entry.in_ready.is_linked()) return;
    ready_.push_back(entry);
    ++ready_count_;
  }
  waiters_.wake_all();
}

/// Takes each ready entry once. One that still has something to tell goes to the end of the line, so that
/// none is starved.
std::size_t WaitSet::collect(std::span<Told> into) {
  const SpinGuard guard(lock_);
  std::size_t count = 0;
  for (std::uint32_t left = ready_count_; left > 0 && count < into.size(); --left) {
    Entry& entry = ready_.front();
    ready_.pop_front();
    --ready_count_;
    // Looked at after it left the line: a signal that rises from now on puts it back.
    const Signals signals = entry.object->signals() & entry.mask;
    if (signals.empty()) continue;
    into[count++] = {entry.key, signals};
    if (signals.contains(Signal::closed)) continue;
    ready_.push_back(entry);
    ++ready_count_;
  }
  return count;
}

Result<std::size_t> WaitSet::wait(std::span<Told> into, std::uint64_t deadline,
                                  const std::atomic<bool>& cancelled) {
  NB_ASSERT(!into.empty());
  for (;;) {
    const std::size_t count = collect(into);
    for (const Told& told : into.first(count)) {
      if (!told.signals.contains(Signal::closed)) continue;
      const MutexGuard edit(edit_);
      const auto found = entries_.find(told.key);  // the key may name another object by now
      if (found != entries_.end() && found->object->signals().contains(Signal::closed)) take_out(*found);
    }
    if (count > 0) return count;
    if (cancelled.load(std::memory_order_relaxed)) return fail(Status::timed_out);
    const bool ready = waiters_.wait(
        [&] { return ready_count_ > 0 || cancelled.load(std::memory_order_relaxed); }, deadline);
    if (!ready) return fail(Status::timed_out);
  }
}

}  // namespace nebulet::kernel
