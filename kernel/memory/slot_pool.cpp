// SPDX-License-Identifier: MIT
#include "kernel/memory/slot_pool.h"

#include <array>
#include <cstring>

#include "kernel/memory/process_memory.h"
#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel::slot_pool {
namespace {

using Slot = wasm::Host::Slot;

/// Slots of one kind that nobody has.
struct Shelf {
  Slot slot{};
  std::size_t count = 0;
  std::array<std::byte*, 16> bases{};
};

// Kinds are few: stacks, function tables, memories with and without first pages, of 32 and 64 bits.
constexpr std::size_t kKinds = 8;
/// With less memory free nothing is kept.
constexpr std::uint64_t kScarce = 32 << 20;

constinit SpinLock g_lock;
constinit std::array<Shelf, kKinds> g_shelves;

/// nullptr: there are too many kinds.
Shelf* find(const Slot& slot) NB_REQUIRES(g_lock) {
  for (Shelf& shelf : g_shelves) {
    if (shelf.slot.size == 0) shelf.slot = slot;
    if (shelf.slot == slot) return &shelf;
  }
  return nullptr;
}

}  // namespace

std::byte* take(const Slot& slot) {
  {
    const SpinGuard guard(g_lock);
    if (Shelf* const shelf = find(slot); shelf != nullptr && shelf->count > 0)
      return shelf->bases[--shelf->count];
  }
  std::byte* const base = machine::reserve(slot.size, slot.align);
  if (base == nullptr || slot.ready == 0) return base;
  if (slot.ready <= free_for_processes() &&
      machine::commit(base + slot.ready_at, slot.ready, machine::Protection::read_write))
    return base;
  machine::release(base, slot.size);
  return nullptr;
}

void give(std::byte* base, const Slot& slot) {
  const auto has_room = [&] NB_REQUIRES(g_lock) {
    const Shelf* const shelf = find(slot);
    return shelf != nullptr && shelf->count < shelf->bases.size();
  };
  bool keep = machine::free_memory() >= kScarce;
  if (keep) {
    const SpinGuard guard(g_lock);
    keep = has_room();
  }
  if (keep) {
    const std::uint64_t end = slot.ready_at + slot.ready;
    if (slot.ready_at > 0) machine::decommit(base, slot.ready_at);
    if (end < slot.size) machine::decommit(base + end, slot.size - end);
    std::memset(base + slot.ready_at, 0, slot.ready);
    const SpinGuard guard(g_lock);
    if (has_room()) {
      Shelf& shelf = *find(slot);
      shelf.bases[shelf.count++] = base;
      return;
    }
  }
  machine::release(base, slot.size);
}

void drain() {
  for (Shelf& shelf : g_shelves) {
    for (;;) {
      std::byte* base = nullptr;
      {
        const SpinGuard guard(g_lock);
        if (shelf.count == 0) break;
        base = shelf.bases[--shelf.count];
      }
      machine::release(base, shelf.slot.size);
    }
  }
}

}  // namespace nebulet::kernel::slot_pool
