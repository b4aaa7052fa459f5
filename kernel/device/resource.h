// SPDX-License-Identifier: MIT
// The right to work a part of the machine's devices.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/device/pci.h"
#include "kernel/object/object.h"
#include "kernel/status.h"

namespace nebulet::kernel {

using abi::ResourceKind;

class Resource final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::resource;
  /// The root is [0, 2^64 - 1) of everything.
  Resource(Charge charge, ResourceKind kind, std::uint64_t base, std::uint64_t count)
      : Object(kType), charge_(std::move(charge)), kind_(kind), base_(base), count_(count) {}
  static constexpr std::uint64_t kEverything = ~std::uint64_t{0};

  /// A part, charged to `quota`. Fails with invalid_argument, not_supported, out_of_memory.
  Result<Ref<Resource>> part(const QuotaRef& quota, ResourceKind kind, std::uint64_t base,
                             std::uint64_t count) const;
  /// Whether it has interrupt line `line`.
  bool has_line(std::uint32_t line) const {
    return (kind_ == ResourceKind::interrupts || kind_ == ResourceKind::root) && has(line, 1);
  }
  /// A register or port of 1, 2 or 4 bytes. Fails with invalid_argument and out_of_memory; `write` with
  /// not_supported for what drivers do not write of PCI's configuration space.
  Result<std::uint32_t> read(std::uint64_t offset, std::uint32_t bytes) const;
  Result<> write(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const;
  /// Configuration space but for message interrupts. Fails with invalid_argument, not_supported,
  /// out_of_memory.
  Result<> configure(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const;

  /// The PCI function that it is, all of it and nothing else.
  std::optional<pci::Function> function() const {
    constexpr std::uint64_t kBytes = machine::kPciFunctionBytes;
    if (kind_ != ResourceKind::pci || base_ % kBytes != 0 || count_ != kBytes) return std::nullopt;
    return static_cast<pci::Function>(base_ / kBytes);
  }
  ResourceKind kind() const { return kind_; }
  std::uint64_t base() const { return base_; }

 private:
  bool has(std::uint64_t base, std::uint64_t count) const {
    return base >= base_ && base - base_ < count_ && count <= count_ - (base - base_);
  }
  bool is_register(std::uint64_t offset, std::uint32_t bytes) const;

  const Charge charge_;
  const ResourceKind kind_;
  const std::uint64_t base_, count_;
};

}  // namespace nebulet::kernel
