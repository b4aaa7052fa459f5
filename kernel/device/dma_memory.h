// SPDX-License-Identifier: MIT
// Memory that a device reads and writes. Pages whose last handle is gone stay with their device until that is
// known to be idle: only then is it certain that nothing is written into them any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/device/resource.h"
#include "kernel/object/object.h"
#include "kernel/status.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {

struct DmaBlock;

class DmaMemory final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::dma_memory;
  static constexpr std::uint64_t kMaxSize = machine::kPageSize << machine::kMaxDeviceMemoryOrder;

  /// Zeros for the device whose registers or PCI function the resource is. Fails with invalid_argument,
  /// out_of_memory.
  static Result<Ref<DmaMemory>> create(const QuotaRef& quota, const Resource& resource, std::uint64_t size);
  /// The device was reset: what is closed of its memory is given back. Fails with invalid_argument.
  static Result<> quiesced(const Resource& resource);

  DmaMemory(Charge charge, std::uint64_t size) : Object(kType), charge_(std::move(charge)), size_(size) {}
  ~DmaMemory() override;

  /// As the device sees it.
  std::uint64_t address() const;
  bool contains(std::uint64_t offset, std::uint64_t count) const {
    return offset <= size_ && count <= size_ - offset;
  }
  /// 1, 2 or 4 bytes at a multiple of that. Fail with invalid_argument.
  Result<std::uint32_t> load(std::uint64_t offset, std::uint32_t bytes) const;
  Result<> store(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const;
  /// All of it, which the device may be changing.
  std::span<std::byte> bytes() const;

 private:
  void no_handles(DropList& list) override;
  bool is_unit(std::uint64_t offset, std::uint32_t bytes) const;

  const Charge charge_;
  const std::uint64_t size_;
  DmaBlock* block_ = nullptr;  ///< from `create` on; belongs to the set of all
};

}  // namespace nebulet::kernel
