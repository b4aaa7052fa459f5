// SPDX-License-Identifier: MIT
#include "wasm/runtime/memory.h"

#include <algorithm>
#include <bit>

#include "wasm/runtime/address_map.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

static_assert(kMemorySlotSize == 1ull << 33);
constinit AddressMap<Memory, 33> g_memories;

/// What one fault commits: a quarter of what there is already, within these bounds. Of shared memories always
/// the most.
constexpr std::uint64_t kFirstTouch = kHostPage, kTouch = kWasmPage;

bool copy_guest(std::byte* to, const std::byte* from, std::uint64_t count) {
  return to <= from || from + count <= to ? nb_guest_copy(to, from, count)
                                          : nb_guest_copy_backward(to, from, count);
}

/// What a slot holds, in pages.
std::uint64_t most_pages(const MemoryType& type) {
  const std::uint64_t bytes = type.limits.is_64 ? kMemory64Size : 4ull << 30;
  return type.page_log2 == 0 && !type.limits.is_64 ? bytes - 1 : bytes >> type.page_log2;
}

/// The first bytes are there from the start: nearly all programs use them.
bool starts_with_page(const MemoryType& type) {
  return !type.limits.shared && type.limits.min << type.page_log2 >= kFirstTouch;
}

GuestResult result_of(bool copied) { return copied ? GuestResult::ok : GuestResult::out_of_memory; }

}  // namespace

std::unique_ptr<Memory> Memory::create(Host& host, const MemoryType& type, bool untouched) {
  if (type.limits.min > most_pages(type)) return nullptr;
  const Host::Slot kind = {.size = type.limits.is_64 ? kMemory64SlotSize : kMemorySlotSize,
                           .align = kMemorySlotSize,
                           .ready_at = kMemorySlotBase,
                           .ready = !untouched && starts_with_page(type) ? kFirstTouch : 0};
  if (!host.charge(kind.ready)) return nullptr;
  std::byte* slot = host.take_slot(kind);
  if (!slot) {
    host.uncharge(kind.ready);
    return nullptr;
  }
  std::unique_ptr<Memory> memory(new Memory(host, type, kind, slot));
  return memory->enter() ? std::move(memory) : nullptr;
}

Memory::Memory(Host& host, const MemoryType& type, const Host::Slot& kind, std::byte* slot)
    : host_(host),
      type_(type),
      kind_(kind),
      slot_(slot),
      base_(slot + kMemorySlotBase),
      size_{.pages = type.limits.min, .is_plain = !type.limits.is_64 && kWasmPage == 1ull << type.page_log2},
      max_pages_(type.limits.has_max ? std::min(type.limits.max, most_pages(type)) : most_pages(type)),
      committed_(kind.ready) {
  if (!type.limits.shared) return;
  const std::uint64_t parts = ((max_pages_ << type.page_log2) + kTouch - 1) / kTouch;
  touched_ = std::make_unique<std::atomic<std::uint64_t>[]>(parts / 64 + 1);
}

bool Memory::enter() {
  for (; registered_ < kind_.size / kMemorySlotSize; ++registered_)
    if (!g_memories.insert(reinterpret_cast<std::uint64_t>(slot_) + registered_ * kMemorySlotSize, this))
      return false;
  return true;
}

Memory::~Memory() {
  while (registered_ > 0)
    g_memories.erase(reinterpret_cast<std::uint64_t>(slot_) + --registered_ * kMemorySlotSize);
  if (was_mapped_) {
    host_.release(slot_, kind_.size);
  } else {
    host_.give_slot(slot_, kind_);
  }
  for (const Mapping& mapping : mappings_) {
    host_.uncharge(mapping.charge());
    mapping.owner->let_go();
  }
  host_.uncharge(committed_.load(std::memory_order_relaxed));
}

MemoryType Memory::type() const {
  MemoryType type = type_;
  type.limits.min = pages();
  return type;
}

std::int64_t Memory::grow(std::uint64_t delta) {
  std::uint64_t old = pages();
  do {
    if (delta > max_pages_ - old) return -1;
    // What it has and never touched may still be asked for.
    const std::uint64_t size = (old + delta) << type_.page_log2,
                        committed = committed_.load(std::memory_order_relaxed);
    if (delta != 0 && size > committed && size - committed > host_.available()) return -1;
  } while (!size_.pages.compare_exchange_weak(old, old + delta, std::memory_order_acq_rel));
  return static_cast<std::int64_t>(old);
}

bool Memory::show(const MemoryImage& image) {
  if (!host_.charge(image.size())) return false;
  if (!host_.show(base_ + image.begin(), image.bytes(), image.size(), Host::Sharing::copy)) {
    host_.uncharge(image.size());
    return false;
  }
  committed_.fetch_add(image.size(), std::memory_order_relaxed);
  return true;
}

std::vector<Memory::Mapping>::const_iterator Memory::mapping_from(std::uint64_t at) const {
  return std::ranges::upper_bound(mappings_, at, {}, [](const Mapping& m) { return m.at + m.size - 1; });
}

bool Memory::is_read_only(std::uint64_t at, std::uint64_t count) const {
  for (auto mapping = mapping_from(at); mapping != mappings_.end() && mapping->at < at + count; ++mapping)
    if (!mapping->writable) return count != 0;
  return false;
}

Memory::MapResult Memory::map(std::uint64_t at, const std::byte* of, std::uint64_t size, bool writable,
                              Shared& owner) {
  if (is_shared()) return MapResult::shared;
  if (at % kWasmPage != 0 || size % kWasmPage != 0 || size == 0) return MapResult::misaligned;
  if (!contains(at, size)) return MapResult::outside;
  const auto next = mapping_from(at);
  if (next != mappings_.end() && next->at < at + size) return MapResult::occupied;
  if (mappings_.size() >= kMaxMappings) return MapResult::too_many;
  const Mapping mapping{.at = at, .size = size, .writable = writable, .owner = &owner};
  if (!host_.charge(mapping.charge())) return MapResult::out_of_memory;
  was_mapped_ = true;
  const std::uint64_t taken = host_.decommit(base_ + at, size);
  host_.uncharge(taken);
  committed_.fetch_sub(taken, std::memory_order_relaxed);
  if (!host_.show(base_ + at, of, size, writable ? Host::Sharing::read_write : Host::Sharing::read)) {
    host_.decommit(base_ + at, size);
    host_.uncharge(mapping.charge());
    return MapResult::out_of_memory;
  }
  owner.hold();
  mappings_.insert(next, mapping);
  if (!writable) size_.is_plain = false;
  return MapResult::ok;
}

bool Memory::unmap(std::uint64_t at) {
  const auto found = mapping_from(at);
  if (found == mappings_.end() || found->at != at) return false;
  host_.decommit(base_ + at, found->size);
  host_.uncharge(found->charge());
  Shared& owner = *found->owner;
  mappings_.erase(found);
  owner.let_go();
  return true;
}

Memory::Modified Memory::modify(std::uint64_t at, unsigned bytes, Bits operation, std::uint64_t operand) {
  if (!contains(at, bytes) || is_read_only(at, bytes)) return {GuestResult::out_of_bounds, 0};
  // The page must be there, and writable.
  if (!nb_guest_claim(base_ + at)) return {GuestResult::out_of_memory, 0};
  auto apply = [&]<class T>(T) -> std::uint64_t {
    // SAFETY: aligned, inside the memory and committed.
    auto* place = reinterpret_cast<T*>(base_ + at);
    const auto value = static_cast<T>(operand);
    if (operation == Bits::and_) return __atomic_fetch_and(place, value, __ATOMIC_SEQ_CST);
    if (operation == Bits::or_) return __atomic_fetch_or(place, value, __ATOMIC_SEQ_CST);
    return __atomic_fetch_xor(place, value, __ATOMIC_SEQ_CST);
  };
  switch (bytes) {
    case 1: return {GuestResult::ok, apply(std::uint8_t{})};
    case 2: return {GuestResult::ok, apply(std::uint16_t{})};
    case 4: return {GuestResult::ok, apply(std::uint32_t{})};
    default: return {GuestResult::ok, apply(std::uint64_t{})};
  }
}

Memory::Waited Memory::wait(std::uint64_t at, unsigned bytes, std::uint64_t expected,
                            std::int64_t timeout_ns) {
  // The read brings the page, which then stays.
  std::byte first;
  if (!contains(at, bytes)) return {GuestResult::out_of_bounds, {}};
  if (const GuestResult read_it = read(at, {&first, 1}); read_it != GuestResult::ok) return {read_it, {}};
  return {GuestResult::ok, host_.wait(base_ + at, bytes, expected, timeout_ns)};
}

std::uint32_t Memory::notify(std::uint64_t at, std::uint32_t count) {
  return host_.notify(base_ + at, count);
}

GuestResult Memory::read(std::uint64_t at, std::span<std::byte> into) const {
  if (!contains(at, into.size())) return GuestResult::out_of_bounds;
  return result_of(nb_guest_copy(into.data(), base_ + at, into.size()));
}

GuestResult Memory::write(std::uint64_t at, std::span<const std::byte> bytes) {
  if (!contains(at, bytes.size()) || is_read_only(at, bytes.size())) return GuestResult::out_of_bounds;
  return result_of(nb_guest_copy(base_ + at, bytes.data(), bytes.size()));
}

GuestResult Memory::fill(std::uint64_t at, std::uint8_t value, std::uint64_t count) {
  if (!contains(at, count) || is_read_only(at, count)) return GuestResult::out_of_bounds;
  return result_of(nb_guest_fill(base_ + at, value, count));
}

GuestResult Memory::move(Memory& to, std::uint64_t to_at, Memory& from, std::uint64_t from_at,
                         std::uint64_t count) {
  if (!to.contains(to_at, count) || !from.contains(from_at, count) || to.is_read_only(to_at, count))
    return GuestResult::out_of_bounds;
  return result_of(copy_guest(to.base_ + to_at, from.base_ + from_at, count));
}

Memory::Touch Memory::touch(std::uint64_t address) {
  const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(base_);
  if (offset >= size()) return Touch::outside;
  // What is mapped is there: the fault is a write where only reading is allowed.
  if (const auto mapping = mapping_from(offset); mapping != mappings_.end() && mapping->at <= offset)
    return Touch::outside;
  const std::uint64_t unit =
      touched_ ? kTouch : std::clamp(std::bit_floor(committed_ / 4), kFirstTouch, kTouch);
  const std::uint64_t begin = offset & ~(unit - 1), part = begin / kTouch;
  const std::uint64_t bit = std::uint64_t{1} << (part % 64);
  // Another thread is at it: the access faults until that is done.
  if (touched_ && (touched_[part / 64].fetch_or(bit, std::memory_order_acq_rel) & bit))
    return Touch::committed;
  const bool charged = host_.charge(unit);
  const auto fresh = charged ? host_.commit(base_ + begin, unit, Host::Protection::read_write) : std::nullopt;
  if (!fresh) {
    if (charged) host_.uncharge(unit);
    if (touched_) touched_[part / 64].fetch_and(~bit, std::memory_order_acq_rel);
    return Touch::out_of_memory;
  }
  if (*fresh < unit) host_.uncharge(unit - *fresh);
  committed_.fetch_add(*fresh, std::memory_order_relaxed);
  return Touch::committed;
}

Memory* Memory::find(std::uint64_t address) { return g_memories.find(address); }

}  // namespace nebulet::wasm
