// SPDX-License-Identifier: MIT
#include "kernel/memory/process_memory.h"

#include <algorithm>

#include "kernel/memory/slot_pool.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

machine::Protection machine_protection(wasm::Host::Protection protection) {
  switch (protection) {
    case wasm::Host::Protection::none: return machine::Protection::none;
    case wasm::Host::Protection::read: return machine::Protection::read;
    case wasm::Host::Protection::read_write: return machine::Protection::read_write;
    case wasm::Host::Protection::execute: return machine::Protection::execute;
  }
  return machine::Protection::none;
}

machine::Sharing machine_sharing(wasm::Host::Sharing sharing) {
  switch (sharing) {
    case wasm::Host::Sharing::read: return machine::Sharing::read;
    case wasm::Host::Sharing::read_write: return machine::Sharing::read_write;
    case wasm::Host::Sharing::copy: return machine::Sharing::copy;
  }
  return machine::Sharing::read;
}

}  // namespace

std::uint64_t free_for_processes() {
  const std::uint64_t free = machine::free_memory();
  return free > kKernelReserve ? free - kKernelReserve : 0;
}

std::byte* ProcessMemory::reserve(std::uint64_t size, std::uint64_t align) {
  return machine::reserve(size, align);
}
void ProcessMemory::release(std::byte* base, std::uint64_t size) { machine::release(base, size); }
std::byte* ProcessMemory::take_slot(const Slot& slot) { return slot_pool::take(slot); }
void ProcessMemory::give_slot(std::byte* base, const Slot& slot) { slot_pool::give(base, slot); }
std::optional<std::uint64_t> ProcessMemory::commit(std::byte* at, std::uint64_t size, Protection protection) {
  if (size > free_for_processes()) return std::nullopt;
  return machine::commit(at, size, machine_protection(protection));
}
std::byte* ProcessMemory::reserve_shareable(std::uint64_t size) { return machine::reserve_shareable(size); }
bool ProcessMemory::show(std::byte* at, const std::byte* of, std::uint64_t size, Sharing sharing) {
  return machine::show(at, of, size, machine_sharing(sharing));
}
std::uint64_t ProcessMemory::decommit(std::byte* at, std::uint64_t size) {
  return machine::decommit(at, size);
}
void ProcessMemory::protect(std::byte* at, std::uint64_t size, Protection protection) {
  machine::protect(at, size, machine_protection(protection));
}
void ProcessMemory::write_protected(std::byte* to, std::span<const std::byte> bytes) {
  machine::write_protected(to, bytes);
}

bool ProcessMemory::charge(std::uint64_t bytes) { return quota_->charge(bytes); }
void ProcessMemory::uncharge(std::uint64_t bytes) { quota_->uncharge(bytes); }
std::uint64_t ProcessMemory::available() const {
  return std::min(quota_->limit() - quota_->used(), free_for_processes());
}

}  // namespace nebulet::kernel
