// SPDX-License-Identifier: MIT
// From an address to the object whose aligned range holds it, readable without locks in a fault handler.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "base/spin_lock.h"

namespace nebulet::wasm {

/// An open-addressing table keyed by address >> shift, which grows. Writers lock; readers do not, and may
/// only follow a pointer whose object cannot go away meanwhile (they run on it, or the fault is in its
/// memory). A table that became too small stays as it was, for readers that still look there: all of them
/// together are no larger than the last.
template <class T, unsigned kShift>
class AddressMap {
 public:
  constexpr AddressMap() = default;

  T* find(std::uint64_t address) const {
    const Table* const table = table_.load(std::memory_order_acquire);  // pairs with grow
    const std::uint64_t key = key_of(address);
    for (std::size_t i = table->start_of(key), n = 0; n < table->capacity; i = table->next(i), ++n) {
      const std::uint64_t at = table->entries[i].key.load(std::memory_order_acquire);  // pairs with put
      if (at == key) return table->entries[i].value.load(std::memory_order_relaxed);
      if (at == kEmpty) return nullptr;
    }
    return nullptr;
  }

  /// False: no memory. Allocates: not in fault handlers.
  bool insert(std::uint64_t address, T* value) {
    SpinGuard guard(lock_);
    Table* table = table_.load(std::memory_order_relaxed);
    if (used_ >= table->capacity / 2) {
      table = grow(*table);
      if (!table) return false;
    }
    ++used_;
    put(*table, key_of(address), value);
    return true;
  }

  void erase(std::uint64_t address) {
    SpinGuard guard(lock_);
    Table& table = *table_.load(std::memory_order_relaxed);
    const std::uint64_t key = key_of(address);
    std::size_t i = table.start_of(key);
    while (table.entries[i].key.load(std::memory_order_relaxed) != key) i = table.next(i);
    --used_;
    table.entries[i].key.store(kRemoved, std::memory_order_relaxed);
    // Removed entries at the end of a chain become empty again, so that searches stay short.
    while (table.entries[table.next(i)].key.load(std::memory_order_relaxed) == kEmpty &&
           table.entries[i].key.load(std::memory_order_relaxed) == kRemoved) {
      table.entries[i].key.store(kEmpty, std::memory_order_relaxed);
      i = (i - 1) & (table.capacity - 1);
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = 0, kRemoved = 1;
  static constexpr std::size_t kFirst = 512;  ///< entries
  struct Entry {
    std::atomic<std::uint64_t> key{kEmpty};
    std::atomic<T*> value{nullptr};
  };
  struct Table {
    Entry* entries;
    std::size_t capacity;  ///< a power of two
    Table* smaller = nullptr;
    std::size_t start_of(std::uint64_t key) const {
      return (key * 0x9e3779b97f4a7c15u >> 32) & (capacity - 1);
    }
    std::size_t next(std::size_t i) const { return (i + 1) & (capacity - 1); }
  };
  static std::uint64_t key_of(std::uint64_t address) { return (address >> kShift) + 2; }

  static void put(Table& table, std::uint64_t key, T* value) {
    std::size_t i = table.start_of(key);
    while (table.entries[i].key.load(std::memory_order_relaxed) > kRemoved) i = table.next(i);
    table.entries[i].value.store(value, std::memory_order_relaxed);
    table.entries[i].key.store(key, std::memory_order_release);  // pairs with find
  }

  Table* grow(Table& old) NB_REQUIRES(lock_) {
    std::unique_ptr<Entry[]> entries(new (std::nothrow) Entry[old.capacity * 2]);
    if (!entries) return nullptr;
    auto* const table =
        new (std::nothrow) Table{.entries = entries.get(), .capacity = old.capacity * 2, .smaller = &old};
    if (!table) return nullptr;
    entries.release();
    for (std::size_t i = 0; i < old.capacity; ++i) {
      const std::uint64_t key = old.entries[i].key.load(std::memory_order_relaxed);
      if (key > kRemoved) put(*table, key, old.entries[i].value.load(std::memory_order_relaxed));
    }
    table_.store(table, std::memory_order_release);  // pairs with find
    return table;
  }

  SpinLock lock_;
  std::size_t used_ NB_GUARDED_BY(lock_) = 0;
  std::array<Entry, kFirst> first_entries_{};
  Table first_{first_entries_.data(), kFirst};
  std::atomic<Table*> table_{&first_};
};

}  // namespace nebulet::wasm
