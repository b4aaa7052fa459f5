// SPDX-License-Identifier: MIT
#include "kernel/object/handle_table.h"

#include <utility>

namespace nebulet::kernel {

HandleTable::Slot* HandleTable::find(HandleValue handle) {
  const auto value = static_cast<std::uint32_t>(handle);
  const std::uint32_t index = (value & ((1u << kIndexBits) - 1)) - 1;  // 0 wraps to an index past the end
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  if (!slot.object || slot.generation != value >> kIndexBits) return nullptr;
  return &slot;
}

Result<HandleValue> HandleTable::insert(Ref<Object> object, Rights rights) {
  const SpinGuard guard(lock_);
  if (first_free_ == kNone) {
    if (slots_.size() == kMaxHandles) return fail(Status::limit_reached);
    slots_.emplace_back();
    slots_.back().next_free = kNone;
    first_free_ = static_cast<std::uint32_t>(slots_.size()) - 1;
  }
  const std::uint32_t index = first_free_;
  Slot& slot = slots_[index];
  first_free_ = slot.next_free;
  slot.object = std::move(object);
  slot.rights = rights;
  ++count_;
  return HandleValue{slot.generation << kIndexBits | (index + 1)};
}

Result<HandleValue> HandleTable::duplicate(HandleValue handle, Rights rights) {
  Ref<Object> object;
  {
    const SpinGuard guard(lock_);
    const Slot* slot = find(handle);
    if (slot == nullptr) return fail(Status::bad_handle);
    if (!slot->rights.contains(rights | Right::duplicate)) return fail(Status::access_denied);
    object = slot->object;
  }
  return insert(std::move(object), rights);
}

Result<> HandleTable::close(HandleValue handle) {
  Ref<Object> object;  // released after the lock
  const SpinGuard guard(lock_);
  Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  object.swap(slot->object);
  slot->generation = (slot->generation + 1) & (0xffffffffu >> kIndexBits);
  slot->next_free = std::exchange(first_free_, static_cast<std::uint32_t>(slot - slots_.data()));
  --count_;
  return {};
}

void HandleTable::close_all() {
  std::vector<Slot> slots;
  {
    const SpinGuard guard(lock_);
    slots.swap(slots_);
    first_free_ = kNone;
    count_ = 0;
  }
}

Result<Ref<Object>> HandleTable::get(HandleValue handle, ObjectType type, Rights rights) {
  const SpinGuard guard(lock_);
  const Slot* slot = find(handle);
  if (slot == nullptr) return fail(Status::bad_handle);
  if (slot->object->type() != type) return fail(Status::wrong_type);
  if (!slot->rights.contains(rights)) return fail(Status::access_denied);
  return slot->object;
}

std::uint32_t HandleTable::count() {
  const SpinGuard guard(lock_);
  return count_;
}

}  // namespace nebulet::kernel
