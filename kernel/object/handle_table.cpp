// SPDX-License-Identifier: MIT
#include "kernel/object/handle_table.h"

#include <utility>

namespace nebulet::kernel {

HandleTable::Slot* HandleTable::find(HandleValue handle) {
  const auto value = static_cast<std::uint32_t>(handle);
  const std::uint32_t index = (value & ((1u << kIndexBits) - 1)) - 1;  // 0 wraps to an index past the end
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  if (!slot.handle || slot.generation != value >> kIndexBits) return nullptr;
  return &slot;
}

bool HandleTable::has_room(std::size_t handles) const { return handles <= kMaxHandles - count_; }

/// There is room.
HandleValue HandleTable::put(Handle handle) {
  if (first_free_ == kNone) {
    slots_.emplace_back();
    slots_.back().next_free = kNone;
    first_free_ = static_cast<std::uint32_t>(slots_.size()) - 1;
  }
  const std::uint32_t index = first_free_;
  Slot& slot = slots_[index];
  first_free_ = slot.next_free;
  slot.handle = std::move(handle);
  ++count_;
  return HandleValue{slot.generation << kIndexBits | (index + 1)};
}

Handle HandleTable::take(Slot& slot) {
  Handle handle = std::move(slot.handle);
  slot.handle = {};
  slot.generation = (slot.generation + 1) & (0xffffffffu >> kIndexBits);
  slot.next_free = std::exchange(first_free_, static_cast<std::uint32_t>(&slot - slots_.data()));
  version_.store(version() + 1, std::memory_order_release);  // pairs with HandleCache::find
  --count_;
  return handle;
}

Result<HandleValue> HandleTable::insert(Handle handle) {
  // If there is no room, the handle goes after the lock.
  const ThreadGuard guard(lock_);
  if (!has_room(1)) return fail(Status::limit_reached);
  return put(std::move(handle));
}

Result<> HandleTable::insert_all(std::span<Handle> handles, std::span<HandleValue> values) {
  const ThreadGuard guard(lock_);
  if (!has_room(handles.size())) return fail(Status::limit_reached);
  for (std::size_t i = 0; i < handles.size(); ++i) values[i] = put(std::move(handles[i]));
  return {};
}

Result<HandleValue> HandleTable::duplicate(HandleValue handle, Rights rights) {
  const ThreadGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  if (!slot->handle.rights().contains(rights | Right::duplicate)) return fail(Status::access_denied);
  if (!has_room(1)) return fail(Status::limit_reached);
  return put(Handle(slot->handle.object(), rights));
}

Result<HandleValue> HandleTable::replace(HandleValue handle, Rights rights) {
  const ThreadGuard guard(lock_);
  Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  if (!slot->handle.rights().contains(rights)) return fail(Status::access_denied);
  const Handle old = take(*slot);  // the new handle keeps the object open when this ends, under the lock
  return put(Handle(old.object(), rights));
}

Result<> HandleTable::close(HandleValue handle) {
  Handle closed;  // ends after the lock
  const ThreadGuard guard(lock_);
  Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  closed = take(*slot);
  return {};
}

void HandleTable::close_all() {
  std::vector<Slot> slots;
  {
    const ThreadGuard guard(lock_);
    slots.swap(slots_);
    version_.store(version() + 1, std::memory_order_release);
    first_free_ = kNone;
    count_ = 0;
  }
}

Result<> HandleTable::take_all(std::span<const HandleValue> values, std::span<Handle> handles,
                               const Object* except) {
  const ThreadGuard guard(lock_);
  for (const HandleValue value : values) {
    const Slot* slot = find(value);
    if (slot == nullptr) return fail(Status::bad_handle);
    if (!slot->handle.rights().contains(Right::transfer)) return fail(Status::access_denied);
    if (slot->handle.object() == except) return fail(Status::invalid_argument);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    Slot* slot = find(values[i]);
    if (slot == nullptr) {  // the same value a second time: put back what was taken, as it was
      while (i-- > 0) {
        Slot& taken = slots_[first_free_];
        first_free_ = taken.next_free;
        taken.generation = static_cast<std::uint32_t>(values[i]) >> kIndexBits;
        taken.handle = std::move(handles[i]);
        ++count_;
      }
      return fail(Status::bad_handle);
    }
    handles[i] = take(*slot);
  }
  return {};
}

Result<HandleTable::Found> HandleTable::find_all(HandleValue handle) {
  const ThreadGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  return Found{slot->handle.object(), slot->handle.rights(), version()};
}

Result<Ref<Object>> HandleTable::get(HandleValue handle, ObjectType type, Rights rights) {
  const ThreadGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  if (slot->handle.object()->type() != type) return fail(Status::wrong_type);
  if (!slot->handle.rights().contains(rights)) return fail(Status::access_denied);
  return slot->handle.object();
}

Result<Ref<Object>> HandleTable::get(HandleValue handle, Rights rights) {
  const ThreadGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  if (!slot->handle.rights().contains(rights)) return fail(Status::access_denied);
  return slot->handle.object();
}

Result<HandleInfo> HandleTable::info(HandleValue handle) {
  const ThreadGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  const Object& object = *slot->handle.object();
  return HandleInfo{object.type(), slot->handle.rights(), object.id()};
}

std::uint32_t HandleTable::count() {
  const ThreadGuard guard(lock_);
  return count_;
}

}  // namespace nebulet::kernel
