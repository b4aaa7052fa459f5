// SPDX-License-Identifier: MIT
// The address space as machine/memory.h offers it. Reservations have a power of two as size and are aligned
// to it, so that page tables below them belong to them alone; given-back ones are reused for the same size.
#include "machine/include/machine/memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kPageBits = 12;
constexpr std::uint64_t kSmall = 1ull << 30;

SpinLock g_lock;
std::vector<std::uint64_t> g_returned[48];  ///< by the binary logarithm of the size
std::uint64_t g_next_low = kReserveLow;
std::uint64_t g_next_high = kReserveHigh, g_end_high = kReserveHighEnd;

std::uint32_t order_of(std::uint64_t size) {
  return std::max<std::uint32_t>(kPageBits, static_cast<std::uint32_t>(std::bit_width(size - 1)));
}

std::uint64_t take(std::uint64_t& next, std::uint64_t end, std::uint64_t size) {
  const std::uint64_t at = (next + size - 1) & ~(size - 1);
  if (at > end || end - at < size) return 0;
  next = at + size;
  return at;
}
std::uint64_t take_last(std::uint64_t begin, std::uint64_t& end, std::uint64_t size) {
  if (end - begin < 2 * size) return 0;
  return end = (end - size) & ~(size - 1);
}

}  // namespace

std::byte* reserve(std::uint64_t size, std::uint64_t align) {
  if (size == 0 || size > 1ull << 46 || align > 1ull << 46) return nullptr;
  const std::uint32_t order = order_of(std::max(size, align));
  const std::uint64_t whole = 1ull << order;
  SpinGuard guard(g_lock);
  if (auto& returned = g_returned[order]; !returned.empty()) {
    const std::uint64_t at = returned.back();
    returned.pop_back();
    return reinterpret_cast<std::byte*>(at);
  }
  // A page that stays free on both sides of small reservations would cost tables; their owners reserve their
  // own guards.
  std::uint64_t at = 0;
  if (whole <= kSmall) {
    at = take(g_next_high, g_end_high, whole);
  } else {
    at = take(g_next_low, kReserveLowEnd, whole);
    if (at == 0) at = take_last(g_next_high, g_end_high, whole);
  }
  return reinterpret_cast<std::byte*>(at);
}

std::byte* reserve_shareable(std::uint64_t size) { return reserve(size, kPageSize); }

void release(std::byte* base, std::uint64_t size) {
  const auto at = reinterpret_cast<std::uint64_t>(base);
  // The alignment asked for may have made the reservation larger than its size: that shows in the address
  // only when it is reused for the smaller size, which is allowed.
  const std::uint32_t order = order_of(size);
  unmap_memory(at, 1ull << order, Tables::free);
  SpinGuard guard(g_lock);
  g_returned[order].push_back(at);
}

std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection) {
  return map_memory(reinterpret_cast<std::uint64_t>(at), size, protection);
}
bool show(std::byte* at, const std::byte* of, std::uint64_t size, Sharing sharing) {
  return show_memory(reinterpret_cast<std::uint64_t>(at), reinterpret_cast<std::uint64_t>(of), size, sharing);
}
std::uint64_t decommit(std::byte* at, std::uint64_t size) {
  return unmap_memory(reinterpret_cast<std::uint64_t>(at), size, Tables::keep);
}
void protect(std::byte* at, std::uint64_t size, Protection protection) {
  set_protection(reinterpret_cast<std::uint64_t>(at), size, protection);
}

void write_protected(std::byte* to, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto at = reinterpret_cast<std::uint64_t>(to);
    const PhysicalAddress frame = physical_of(at);
    NB_ASSERT(frame != kNoFrame);
    const std::size_t part = std::min<std::size_t>(bytes.size(), kPageSize - at % kPageSize);
    std::memcpy(direct(frame), bytes.data(), part);
    to += part;
    bytes = bytes.subspan(part);
  }
}

std::uint64_t free_memory() { return free_bytes(); }
std::uint64_t least_free_memory() { return least_free_bytes(); }

}  // namespace nebulet::machine
