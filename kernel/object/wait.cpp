// SPDX-License-Identifier: MIT
#include "kernel/object/wait.h"

#include <boost/container/static_vector.hpp>

#include "base/assert.h"
#include "kernel/sched/scheduler.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {
namespace {

class ThreadObserver final : public Observer {
 public:
  explicit ThreadObserver(Task& task) : task_(task) {}
  void on_signal() override { Scheduler::unpark(task_); }

 private:
  Task& task_;
};

/// Notes the items' signals; true if one has what it is waited for.
bool look(std::span<WaitItem> items) {
  bool found = false;
  for (WaitItem& item : items) {
    item.observed = item.object->signals();
    found |= !(item.observed & item.mask).empty();
  }
  return found;
}

}  // namespace

Result<> wait_for_signals(std::span<WaitItem> items, std::uint64_t deadline,
                          const std::atomic<bool>& cancelled) {
  NB_ASSERT(items.size() <= kMaxWaitItems);
  if (look(items)) return {};
  boost::container::static_vector<ThreadObserver, kMaxWaitItems> observers;
  Task& self = *Scheduler::current();
  for (const WaitItem& item : items) item.object->observe(observers.emplace_back(self), item.mask);
  bool found = false;
  while (!(found = look(items)) && !cancelled.load(std::memory_order_relaxed) &&
         machine::monotonic_ns() < deadline)
    Scheduler::park_until(deadline);
  for (std::size_t i = 0; i < items.size(); ++i) items[i].object->stop_observing(observers[i]);
  if (!found) return fail(Status::timed_out);
  return {};
}

}  // namespace nebulet::kernel
