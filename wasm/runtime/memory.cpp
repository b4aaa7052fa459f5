// SPDX-License-Identifier: MIT
#include "wasm/runtime/memory.h"

#include <algorithm>

#include "wasm/runtime/address_map.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

static_assert(kMemorySlotSize == 1ull << 33);
constinit AddressMap<Memory, 33, 32768> g_memories;

/// Pages committed by one fault.
constexpr std::uint64_t kTouch = kWasmPage;

bool copy_guest(std::byte* to, const std::byte* from, std::uint64_t count) {
  return to <= from || from + count <= to ? nb_guest_copy(to, from, count)
                                          : nb_guest_copy_backward(to, from, count);
}

GuestResult result_of(bool copied) { return copied ? GuestResult::ok : GuestResult::out_of_memory; }

}  // namespace

std::unique_ptr<Memory> Memory::create(Host& host, const MemoryType& type) {
  if (type.limits.is_64 || type.limits.min > kMaxPages) return nullptr;
  std::byte* slot = host.reserve(kMemorySlotSize, kMemorySlotSize);
  if (!slot) return nullptr;
  std::unique_ptr<Memory> memory(new Memory(host, type, slot));
  memory->registered_ = g_memories.insert(reinterpret_cast<std::uint64_t>(slot), memory.get());
  return memory->registered_ ? std::move(memory) : nullptr;
}

Memory::Memory(Host& host, const MemoryType& type, std::byte* slot)
    : host_(host),
      slot_(slot),
      base_(slot + kMemorySlotBase),
      pages_(type.limits.min),
      max_pages_(type.limits.has_max ? std::min(type.limits.max, kMaxPages) : kMaxPages),
      limits_(type.limits) {}

Memory::~Memory() {
  if (registered_) g_memories.erase(reinterpret_cast<std::uint64_t>(slot_));
  host_.release(slot_, kMemorySlotSize);
  host_.uncharge(committed_.load(std::memory_order_relaxed));
}

MemoryType Memory::type() const {
  MemoryType type{limits_};
  type.limits.min = pages_;
  return type;
}

std::int64_t Memory::grow(std::uint64_t delta) {
  const std::uint64_t old = pages_;
  if (delta > max_pages_ - old) return -1;
  // What it has and never touched may still be asked for.
  const std::uint64_t untouched = (old + delta) * kWasmPage - committed_.load(std::memory_order_relaxed);
  if (delta != 0 && untouched > host_.available()) return -1;
  pages_ = old + delta;
  return static_cast<std::int64_t>(old);
}

GuestResult Memory::read(std::uint64_t at, std::span<std::byte> into) const {
  if (!contains(at, into.size())) return GuestResult::out_of_bounds;
  return result_of(nb_guest_copy(into.data(), base_ + at, into.size()));
}

GuestResult Memory::write(std::uint64_t at, std::span<const std::byte> bytes) {
  if (!contains(at, bytes.size())) return GuestResult::out_of_bounds;
  return result_of(nb_guest_copy(base_ + at, bytes.data(), bytes.size()));
}

GuestResult Memory::fill(std::uint64_t at, std::uint8_t value, std::uint64_t count) {
  if (!contains(at, count)) return GuestResult::out_of_bounds;
  return result_of(nb_guest_fill(base_ + at, value, count));
}

GuestResult Memory::move(Memory& to, std::uint64_t to_at, Memory& from, std::uint64_t from_at,
                         std::uint64_t count) {
  if (!to.contains(to_at, count) || !from.contains(from_at, count)) return GuestResult::out_of_bounds;
  return result_of(copy_guest(to.base_ + to_at, from.base_ + from_at, count));
}

Memory::Touch Memory::touch(std::uint64_t address) {
  const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(base_);
  if (offset >= size()) return Touch::outside;
  const std::uint64_t begin = offset & ~(kTouch - 1);
  if (!host_.charge(kTouch)) return Touch::out_of_memory;
  if (!host_.commit(base_ + begin, kTouch, Host::Protection::read_write)) {
    host_.uncharge(kTouch);
    return Touch::out_of_memory;
  }
  committed_.fetch_add(kTouch, std::memory_order_relaxed);
  return Touch::committed;
}

Memory* Memory::find(std::uint64_t address) { return g_memories.find(address); }

}  // namespace nebulet::wasm
