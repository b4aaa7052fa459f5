// SPDX-License-Identifier: MIT
#include "kernel/memory/memory_object.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "kernel/memory/process_memory.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

/// What one first write commits.
constexpr std::uint64_t kPart = 16 * 1024;

std::uint64_t parts_of(std::uint64_t size) { return (size + kPart - 1) / kPart; }
std::uint64_t words_of(std::uint64_t size) { return (parts_of(size) + 63) / 64; }

/// How much of `count` bytes from `offset` on lies in one part.
std::uint64_t within_part(std::uint64_t offset, std::uint64_t count) {
  return std::min(count, kPart - offset % kPart);
}

}  // namespace

MemoryObject::MemoryObject(Charge charge, QuotaRef quota, std::uint64_t size, bool is_boot_module)
    : Object(kType),
      charge_(std::move(charge)),
      quota_(std::move(quota)),
      size_(size),
      reserved_((size + wasm::kWasmPage - 1) & ~(wasm::kWasmPage - 1)),
      is_boot_module_(is_boot_module),
      there_(is_boot_module ? nullptr : std::make_unique<std::uint64_t[]>(words_of(reserved_))) {}

Result<Ref<MemoryObject>> MemoryObject::create(const QuotaRef& quota, std::uint64_t size) {
  NB_ASSERT(size >= 1 && size <= kMaxSize);
  Ref<MemoryObject> object =
      TRY(make_object<MemoryObject>(quota, words_of(size + wasm::kWasmPage) * 8, quota, size, false));
  object->base_ = machine::reserve_shareable(object->reserved_);
  if (object->base_ == nullptr) return fail(Status::out_of_memory);
  return object;
}

Result<Ref<MemoryObject>> MemoryObject::over(const QuotaRef& quota, std::span<const std::byte> bytes) {
  NB_ASSERT(!bytes.empty() && bytes.size() <= kMaxSize);
  Ref<MemoryObject> object = TRY(make_object<MemoryObject>(quota, 0, quota, bytes.size(), true));
  object->base_ = const_cast<std::byte*>(bytes.data());  // only read
  return object;
}

MemoryObject::~MemoryObject() {
  if (base_ != nullptr && !is_boot_module_) machine::release(base_, reserved_);
  quota_->uncharge(committed_);
}

Result<> MemoryObject::bring(std::uint64_t part) {
  if (is_there(part)) return {};
  if (kPart > free_for_processes() || !quota_->charge(kPart)) return fail(Status::out_of_memory);
  if (!machine::commit(base_ + part * kPart, kPart, machine::Protection::read_write)) {
    quota_->uncharge(kPart);
    return fail(Status::out_of_memory);
  }
  committed_ += kPart;
  there_[part / 64] |= std::uint64_t{1} << (part % 64);
  return {};
}

Result<const std::byte*> MemoryObject::bring_all(std::uint64_t offset, std::uint64_t size) {
  NB_ASSERT(offset <= reserved_ && size <= reserved_ - offset);
  if (is_boot_module_) return fail(Status::not_supported);
  for (std::uint64_t part = offset / kPart; part < parts_of(offset + size); ++part) {
    const SpinGuard guard(lock_);
    TRY(bring(part));
  }
  return base_ + offset;
}

void MemoryObject::read(std::uint64_t offset, std::span<std::byte> into) {
  NB_ASSERT(contains(offset, into.size()));
  const SpinGuard guard(lock_);
  while (!into.empty()) {
    const std::uint64_t length = within_part(offset, into.size());
    if (is_there(offset / kPart)) {
      std::memcpy(into.data(), base_ + offset, length);
    } else {
      std::memset(into.data(), 0, length);
    }
    offset += length;
    into = into.subspan(length);
  }
}

Result<> MemoryObject::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  NB_ASSERT(!is_boot_module_ && contains(offset, bytes.size()));
  const SpinGuard guard(lock_);
  while (!bytes.empty()) {
    const std::uint64_t length = within_part(offset, bytes.size());
    TRY(bring(offset / kPart));
    std::memcpy(base_ + offset, bytes.data(), length);
    offset += length;
    bytes = bytes.subspan(length);
  }
  return {};
}

}  // namespace nebulet::kernel
