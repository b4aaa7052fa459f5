// SPDX-License-Identifier: MIT
// What one thread looked up last in its process's handle table: a hit takes no lock.
#pragma once

#include <array>

#include "kernel/object/handle_table.h"

namespace nebulet::kernel {

/// Used by its thread only, for one table. Who lets others run before it is done with an object takes a
/// reference of its own. `clear` lets go of what the cache has.
class HandleCache {
 public:
  struct Found {
    Object* object;
    Rights rights;
  };
  /// The object stays until the next call of find or clear.
  Result<Found> find(HandleTable& table, HandleValue handle) {
    Entry& entry = entries_[static_cast<std::uint32_t>(handle) % kEntries];
    if (entry.handle != handle || entry.version != table.version()) [[unlikely]] {
      HandleTable::Found found = TRY(table.find_all(handle));
      entry = {handle, found.rights, found.version, std::move(found.object)};
    }
    return Found{entry.object.get(), entry.rights};
  }
  void clear() { entries_ = {}; }

 private:
  static constexpr std::size_t kEntries = 4;
  struct Entry {
    HandleValue handle = HandleValue::none;
    Rights rights;
    std::uint64_t version = ~0ull;  ///< none of a table
    Ref<Object> object;
  };
  std::array<Entry, kEntries> entries_;
};

}  // namespace nebulet::kernel
