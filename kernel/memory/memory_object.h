// SPDX-License-Identifier: MIT
// Bytes outside of any linear memory, which go from process to process by handle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernel/object/object.h"
#include "wasm/runtime/memory.h"

namespace nebulet::kernel {

/// Pages are committed and charged when they are first written; a page that was not is zero. Any thread.
class MemoryObject final : public Object, public wasm::Memory::Shared {
 public:
  static constexpr ObjectType kType = ObjectType::memory_object;
  static constexpr std::uint64_t kMaxSize = 1ull << 34;

  /// `size` is at least 1 and at most kMaxSize.
  static Result<Ref<MemoryObject>> create(const QuotaRef& quota, std::uint64_t size);
  /// Over bytes of a boot module, which are there for ever; 1 to kMaxSize of them. Nobody may be given the
  /// right to write.
  static Result<Ref<MemoryObject>> over(const QuotaRef& quota, std::span<const std::byte> bytes);
  ~MemoryObject() override;

  std::uint64_t size() const { return size_; }
  bool contains(std::uint64_t offset, std::uint64_t count) const {
    return offset <= size_ && count <= size_ - offset;
  }
  /// The range must lie inside. Interrupts are off meanwhile: for small pieces.
  void read(std::uint64_t offset, std::span<std::byte> into);
  /// Fails with out_of_memory; a part may then have been written.
  Result<> write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Its size in whole pages of linear memories, which is what can be mapped.
  std::uint64_t mapped_size() const { return reserved_; }
  /// Brings the pages of [offset, offset + size), in mapped_size(), which then stay: where they are. Fails
  /// with out_of_memory.
  Result<const std::byte*> bring_all(std::uint64_t offset, std::uint64_t size);

  void hold() override { intrusive_ptr_add_ref(static_cast<Object*>(this)); }
  void let_go() override { intrusive_ptr_release(static_cast<Object*>(this)); }

 private:
  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  MemoryObject(Charge charge, QuotaRef quota, std::uint64_t size, bool is_boot_module);
  bool is_there(std::uint64_t part) const NB_REQUIRES(lock_) {
    return is_boot_module_ || (there_[part / 64] >> (part % 64) & 1);
  }
  Result<> bring(std::uint64_t part) NB_REQUIRES(lock_);

  const Charge charge_;  ///< with that for the bits
  const QuotaRef quota_;
  const std::uint64_t size_, reserved_;
  std::byte* base_ = nullptr;
  const bool is_boot_module_;
  SpinLock lock_;
  std::unique_ptr<std::uint64_t[]> there_ NB_GUARDED_BY(lock_);  ///< one bit for each part
  std::uint64_t committed_ NB_GUARDED_BY(lock_) = 0;
};

}  // namespace nebulet::kernel
