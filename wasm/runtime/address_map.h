// SPDX-License-Identifier: MIT
// From an address to the object whose aligned range holds it, readable without locks in a fault handler.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/spin_lock.h"

namespace nebulet::wasm {

/// An open-addressing table keyed by address >> shift. Writers lock; readers do not, and may only follow a
/// pointer whose object cannot go away meanwhile (they run on it, or the fault is in its memory).
template <class T, unsigned kShift, std::size_t kCapacity>
class AddressMap {
  static_assert((kCapacity & (kCapacity - 1)) == 0);

 public:
  constexpr AddressMap() = default;

  T* find(std::uint64_t address) const {
    const std::uint64_t key = key_of(address);
    for (std::size_t i = start_of(key), n = 0; n < kCapacity; i = next(i), ++n) {
      const std::uint64_t at = entries_[i].key.load(std::memory_order_acquire);  // pairs with insert
      if (at == key) return entries_[i].value.load(std::memory_order_relaxed);
      if (at == kEmpty) return nullptr;
    }
    return nullptr;
  }

  /// False: the table is full.
  bool insert(std::uint64_t address, T* value) {
    SpinGuard guard(lock_);
    if (used_ >= kCapacity / 2) return false;
    ++used_;
    const std::uint64_t key = key_of(address);
    std::size_t i = start_of(key);
    while (entries_[i].key.load(std::memory_order_relaxed) > kRemoved) i = next(i);
    entries_[i].value.store(value, std::memory_order_relaxed);
    entries_[i].key.store(key, std::memory_order_release);  // pairs with find
    return true;
  }

  void erase(std::uint64_t address) {
    SpinGuard guard(lock_);
    const std::uint64_t key = key_of(address);
    std::size_t i = start_of(key);
    while (entries_[i].key.load(std::memory_order_relaxed) != key) i = next(i);
    --used_;
    entries_[i].key.store(kRemoved, std::memory_order_relaxed);
    // Removed entries at the end of a chain become empty again, so that searches stay short.
    while (entries_[next(i)].key.load(std::memory_order_relaxed) == kEmpty &&
           entries_[i].key.load(std::memory_order_relaxed) == kRemoved) {
      entries_[i].key.store(kEmpty, std::memory_order_relaxed);
      i = (i - 1) & (kCapacity - 1);
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = 0, kRemoved = 1;
  struct Entry {
    std::atomic<std::uint64_t> key{kEmpty};
    std::atomic<T*> value{nullptr};
  };
  static std::uint64_t key_of(std::uint64_t address) { return (address >> kShift) + 2; }
  static std::size_t start_of(std::uint64_t key) {
    return (key * 0x9e3779b97f4a7c15u >> 32) & (kCapacity - 1);
  }
  static std::size_t next(std::size_t i) { return (i + 1) & (kCapacity - 1); }

  SpinLock lock_;
  std::size_t used_ NB_GUARDED_BY(lock_) = 0;
  std::array<Entry, kCapacity> entries_{};
};

}  // namespace nebulet::wasm
