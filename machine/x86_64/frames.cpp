// SPDX-License-Identifier: MIT
#include "machine/x86_64/frames.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kPageBits = 12;
constexpr PhysicalAddress kRegion = PhysicalAddress{1} << (kPageBits + kMaxOrder);
constexpr PhysicalAddress kLowMemory = 1 << 20;  // the firmware's data and the start-up code of other CPUs
constexpr std::size_t kMaxFree = 160;

// In a free block's first bytes.
struct FreeBlock {
  FreeBlock* next;
  FreeBlock** link;  ///< what points to this block
};

// States of a page in g_notes; a value below kFree is the owner's note.
constexpr std::uint8_t kFree = 0xc0;  ///< first page of a free block; the order is added
constexpr std::uint8_t kInside = 0xff;

SpinLock g_lock;
PhysicalRange g_free[kMaxFree];  ///< usable memory without what is taken, ascending
std::size_t g_free_count = 0;
std::span<const PhysicalRange> g_memory;
PhysicalAddress g_next_region = 0;
std::size_t g_next_range = 0;  ///< ranges before it end below g_next_region
FreeBlock* g_lists[kMaxOrder + 1] = {};
std::uint8_t* g_notes = nullptr;  ///< one for each page; a region's are valid once it was taken in
std::uint64_t g_usable = 0;
std::atomic<std::uint64_t> g_available = 0, g_least_available = 0;
PhysicalAddress g_end = 0;

std::uint8_t& note(PhysicalAddress at) { return g_notes[at >> kPageBits]; }

void push(PhysicalAddress at, std::uint32_t order) {
  auto* block = reinterpret_cast<FreeBlock*>(direct(at));
  *block = {.next = g_lists[order], .link = &g_lists[order]};
  if (block->next) block->next->link = &block->next;
  g_lists[order] = block;
  note(at) = static_cast<std::uint8_t>(kFree + order);
}

void unlink(FreeBlock* block) {
  *block->link = block->next;
  if (block->next) block->next->link = block->link;
}

void insert(PhysicalAddress at, std::uint32_t order) {
  for (; order < kMaxOrder; ++order) {
    const PhysicalAddress buddy = at ^ (PhysicalAddress{1} << (kPageBits + order));
    if (note(buddy) != kFree + order) break;
    unlink(reinterpret_cast<FreeBlock*>(direct(buddy)));
    note(std::max(at, buddy)) = kInside;
    at = std::min(at, buddy);
  }
  push(at, order);
}

/// Takes the next region with free memory into the lists. False: there is none.
bool take_region() {
  for (; g_next_range < g_free_count; ++g_next_range) {
    if (g_free[g_next_range].end > g_next_region) break;
  }
  if (g_next_range == g_free_count) return false;
  const PhysicalAddress region = std::max(g_next_region, g_free[g_next_range].start & ~(kRegion - 1));
  g_next_region = region + kRegion;
  std::memset(&note(region), kInside, kRegion >> kPageBits);
  for (std::size_t i = g_next_range; i < g_free_count && g_free[i].start < g_next_region; ++i) {
    PhysicalAddress at = std::max(region, g_free[i].start);
    const PhysicalAddress end = std::min(g_next_region, g_free[i].end);
    while (at < end) {
      const auto order =
          std::min<std::uint32_t>({kMaxOrder, static_cast<std::uint32_t>(std::countr_zero(at >> kPageBits)),
                                   static_cast<std::uint32_t>(std::bit_width((end - at) >> kPageBits) - 1)});
      insert(at, order);
      at += PhysicalAddress{1} << (kPageBits + order);
    }
  }
  return true;
}

void subtract(PhysicalRange taken) {
  taken.start &= ~PhysicalAddress{0xfff};
  taken.end = (taken.end + 0xfff) & ~PhysicalAddress{0xfff};
  for (std::size_t i = 0; i < g_free_count; ++i) {
    PhysicalRange& range = g_free[i];
    if (taken.end <= range.start || taken.start >= range.end) continue;
    const PhysicalRange above{taken.end, range.end};
    range.end = std::max(range.start, taken.start);
    if (above.start < above.end && g_free_count < kMaxFree) {
      std::memmove(&g_free[i + 2], &g_free[i + 1], (g_free_count - i - 1) * sizeof(PhysicalRange));
      g_free[i + 1] = above;
      ++g_free_count;
    }
  }
}

}  // namespace

void initialize_frames(std::span<const PhysicalRange> memory, std::span<const PhysicalRange> taken) {
  g_memory = memory;
  for (const PhysicalRange& range : memory) {
    g_usable += range.end - range.start;
    g_end = std::max(g_end, range.end);
    if (g_free_count < kMaxFree / 2) g_free[g_free_count++] = range;
  }
  subtract({0, kLowMemory});
  for (const PhysicalRange& range : taken) subtract(range);

  // The notes lie in the first range that is large enough and that the loader's 4 GiB map shows.
  const std::uint64_t notes = ((g_end + kRegion - 1) & ~(kRegion - 1)) >> kPageBits;
  for (std::size_t i = 0; i < g_free_count && !g_notes; ++i) {
    const PhysicalRange range = g_free[i];
    if (range.end > range.start && range.end - range.start >= notes && range.start + notes < (4ull << 30)) {
      g_notes = reinterpret_cast<std::uint8_t*>(direct(range.start));
      subtract({range.start, range.start + notes});
    }
  }
  NB_ASSERT(g_notes);
  std::uint64_t available = 0;
  for (std::size_t i = 0; i < g_free_count; ++i) available += g_free[i].end - g_free[i].start;
  g_available = g_least_available = available;
}

PhysicalAddress allocate_frames(std::uint32_t order) {
  NB_DEBUG_ASSERT(order <= kMaxOrder);
  SpinGuard guard(g_lock);
  std::uint32_t from = order;
  while (!g_lists[from]) {
    if (++from > kMaxOrder) {
      if (!take_region()) return kNoFrame;
      from = order;
    }
  }
  FreeBlock* block = g_lists[from];
  unlink(block);
  const PhysicalAddress at = direct_to_physical(block);
  while (from > order) {
    --from;
    push(at + (PhysicalAddress{1} << (kPageBits + from)), from);
  }
  note(at) = 0;
  const std::uint64_t left = g_available.load(std::memory_order_relaxed) - (1ull << (kPageBits + order));
  g_available.store(left, std::memory_order_relaxed);  // changed under the lock only
  if (left < g_least_available.load(std::memory_order_relaxed))
    g_least_available.store(left, std::memory_order_relaxed);
  return at;
}

void free_frames(PhysicalAddress at, std::uint32_t order) {
  SpinGuard guard(g_lock);
  NB_ASSERT(note(at) < kFree || note(at) == kInside);  // else it is free already
  insert(at, order);
  g_available.fetch_add(std::uint64_t{1} << (kPageBits + order), std::memory_order_relaxed);
}

PhysicalAddress allocate_zeroed_frame() {
  const PhysicalAddress at = allocate_frames(0);
  if (at != kNoFrame) std::memset(direct(at), 0, std::size_t{1} << kPageBits);
  return at;
}

std::uint8_t frame_note(PhysicalAddress at) { return note(at); }
void set_frame_note(PhysicalAddress at, std::uint8_t value) {
  NB_DEBUG_ASSERT(value < kFree);
  note(at) = value;
}

std::uint64_t usable_bytes() { return g_usable; }
std::uint64_t free_bytes() { return g_available.load(std::memory_order_relaxed); }
std::uint64_t least_free_bytes() { return g_least_available.load(std::memory_order_relaxed); }
PhysicalAddress memory_end() { return g_end; }

bool is_memory(PhysicalAddress begin, PhysicalAddress end) {
  return std::ranges::any_of(
      g_memory, [&](const PhysicalRange& range) { return begin < range.end && range.start < end; });
}

}  // namespace nebulet::machine
