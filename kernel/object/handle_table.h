// SPDX-License-Identifier: MIT
// The handles of one process.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernel/object/object.h"
#include "kernel/sched/spin_lock.h"
#include "kernel/status.h"

namespace nebulet::kernel {

/// A handle as programs see it. Never 0; a closed handle's number is used again only after 2^19 others in its
/// slot.
enum class HandleValue : std::uint32_t { none = 0 };

/// What handle_info tells.
struct HandleInfo {
  ObjectType type;
  Rights rights;
  std::uint64_t object_id;
};

/// Maps handles to objects with rights. Any thread of the process may use it, no interrupt handler may.
/// Objects are released outside of the lock, since their destructors may do anything.
class HandleTable {
 public:
  static constexpr std::uint32_t kMaxHandles = 4096;

  Result<HandleValue> insert(Handle handle);
  /// All or none; `handles` keeps what it has on failure. As many values as handles.
  Result<> insert_all(std::span<Handle> handles, std::span<HandleValue> values);
  /// A second handle with `rights`, a subset of those of `handle`, which must include `duplicate`.
  Result<HandleValue> duplicate(HandleValue handle, Rights rights);
  /// Another value for the handle, with `rights`, a subset of those it has; the old value ends.
  Result<HandleValue> replace(HandleValue handle, Rights rights);
  Result<> close(HandleValue handle);
  void close_all();
  /// Takes the handles out of the table, all or none; each needs the right `transfer`. A value that occurs
  /// twice is a bad handle, one that names `except` an invalid argument.
  Result<> take_all(std::span<const HandleValue> values, std::span<Handle> handles,
                    const Object* except = nullptr);

  /// The object, if it is of `type` and the handle has `rights`.
  Result<Ref<Object>> get(HandleValue handle, ObjectType type, Rights rights);
  /// The object of any type.
  Result<Ref<Object>> get(HandleValue handle, Rights rights);
  Result<HandleInfo> info(HandleValue handle);
  struct Found {
    Ref<Object> object;
    Rights rights;
    std::uint64_t version;
  };
  /// What a handle names, for a cache.
  Result<Found> find_all(HandleValue handle);
  /// Changes when a handle ends: as long as it is the same, the handles that there were are what they were.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::uint32_t count();

 private:
  static constexpr std::uint32_t kIndexBits = 13;  ///< index + 1, so that no handle is 0
  static_assert(kMaxHandles < (1u << kIndexBits));
  struct Slot {
    Handle handle;
    std::uint32_t generation = 0;
    std::uint32_t next_free = 0;
  };
  Slot* find(HandleValue handle) NB_REQUIRES(lock_);
  bool has_room(std::size_t handles) const NB_REQUIRES(lock_);
  HandleValue put(Handle handle) NB_REQUIRES(lock_);
  Handle take(Slot& slot) NB_REQUIRES(lock_);

  SpinLock lock_;
  std::vector<Slot> slots_;  ///< grows to at most kMaxHandles
  std::uint32_t first_free_ = kNone;
  std::uint32_t count_ = 0;
  std::atomic<std::uint64_t> version_ = 0;  ///< changed under lock_
  static constexpr std::uint32_t kNone = 0xffffffff;
};

}  // namespace nebulet::kernel
