// SPDX-License-Identifier: MIT
// The handles of one process.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/object/object.h"
#include "kernel/sched/spin_lock.h"
#include "kernel/status.h"

namespace nebulet::kernel {

/// A handle as programs see it. Never 0; a closed handle's number is used again only after 2^19 others in its
/// slot.
enum class HandleValue : std::uint32_t { none = 0 };

/// Maps handles to objects with rights. Any thread of the process may use it. Objects are released outside of
/// the lock, since their destructors may do anything.
class HandleTable {
 public:
  static constexpr std::uint32_t kMaxHandles = 4096;

  Result<HandleValue> insert(Ref<Object> object, Rights rights);
  /// A second handle with `rights`, a subset of those of `handle`, which must include `duplicate`.
  Result<HandleValue> duplicate(HandleValue handle, Rights rights);
  Result<> close(HandleValue handle);
  void close_all();

  /// The object, if it is of `type` and the handle has `rights`.
  Result<Ref<Object>> get(HandleValue handle, ObjectType type, Rights rights);
  std::uint32_t count();

 private:
  static constexpr std::uint32_t kIndexBits = 13;  ///< index + 1, so that no handle is 0
  static_assert(kMaxHandles < (1u << kIndexBits));
  struct Slot {
    Ref<Object> object;
    Rights rights;
    std::uint32_t generation = 0;
    std::uint32_t next_free = 0;
  };
  Slot* find(HandleValue handle);

  SpinLock lock_;
  std::vector<Slot> slots_;  ///< grows to at most kMaxHandles
  std::uint32_t first_free_ = kNone;
  std::uint32_t count_ = 0;
  static constexpr std::uint32_t kNone = 0xffffffff;
};

}  // namespace nebulet::kernel
