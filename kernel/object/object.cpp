// SPDX-License-Identifier: MIT
#include "kernel/object/object.h"

namespace nebulet::kernel {

std::uint64_t Object::next_id() {
  static constinit std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Object::signal(Signals clear, Signals set) {
  const SpinGuard guard(lock_);
  const Signals old(signals_.load(std::memory_order_relaxed));
  const Signals now = (old & ~clear) | set;
  if (now == old) return;
  signals_.store(now.bits(), std::memory_order_release);  // pairs with signals()
  const Signals risen = now & ~old;
  if (risen.empty()) return;
  for (Observer& observer : observers_)
    if (!(observer.mask_ & risen).empty()) observer.on_signal();
}

void Object::observe(Observer& observer, Signals mask) {
  const SpinGuard guard(lock_);
  observer.mask_ = mask;
  observers_.push_back(observer);
  if (!(signals() & mask).empty()) observer.on_signal();
}

void Object::stop_observing(Observer& observer) {
  const SpinGuard guard(lock_);
  observers_.erase(observers_.iterator_to(observer));
}

void Object::no_handles(DropList&) {}

Handle::~Handle() {
  if (object_) DropList().add(std::move(*this));
}

void DropList::add(Handle handle) {
  const Ref<Object> object = std::move(handle.object_);
  // The last one sees what the others did with the object: release and acquire.
  if (object == nullptr || object->handles_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  intrusive_ptr_add_ref(object.get());
  object->next_dropped_ = std::exchange(first_, object.get());
}

DropList::~DropList() {
  while (first_ != nullptr) {
    const Ref<Object> object(first_, false);
    first_ = object->next_dropped_;
    object->no_handles(*this);
    object->signal({}, Signal::closed);
  }
}

}  // namespace nebulet::kernel
