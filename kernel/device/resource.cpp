// SPDX-License-Identifier: MIT
#include "kernel/device/resource.h"

#include "machine/include/machine/device.h"

namespace nebulet::kernel {
namespace {

machine::DeviceSpace space_of(ResourceKind kind) {
  if (kind == ResourceKind::pci) return machine::DeviceSpace::pci;
  return kind == ResourceKind::ports ? machine::DeviceSpace::ports : machine::DeviceSpace::memory;
}

}  // namespace

Result<Ref<Resource>> Resource::part(const QuotaRef& quota, ResourceKind kind, std::uint64_t base,
                                     std::uint64_t count) const {
  if (kind == ResourceKind::root || (kind != kind_ && kind_ != ResourceKind::root))
    return fail(Status::invalid_argument);
  if (count == 0 || !has(base, count)) return fail(Status::invalid_argument);
  const bool exists = kind == ResourceKind::interrupts
                          ? base < machine::kInterruptLines && count <= machine::kInterruptLines - base
                          : machine::is_for_drivers(space_of(kind), base, count);
  if (!exists) return fail(Status::not_supported);
  return make_object<Resource>(quota, 0, kind, base, count);
}

bool Resource::is_register(std::uint64_t offset, std::uint32_t bytes) const {
  if (kind_ == ResourceKind::root || kind_ == ResourceKind::interrupts) return false;
  if (bytes != 1 && bytes != 2 && bytes != 4) return false;
  return offset < count_ && bytes <= count_ - offset && (base_ + offset) % bytes == 0;
}

Result<std::uint32_t> Resource::read(std::uint64_t offset, std::uint32_t bytes) const {
  if (!is_register(offset, bytes)) return fail(Status::invalid_argument);
  std::uint32_t value = 0;
  if (!machine::read_device(space_of(kind_), base_ + offset, bytes, value))
    return fail(Status::out_of_memory);
  return value;
}

Result<> Resource::write(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const {
  if (!is_register(offset, bytes)) return fail(Status::invalid_argument);
  if (kind_ == ResourceKind::pci && !pci::is_command(base_ + offset, bytes))
    return fail(Status::not_supported);
  if (!machine::write_device(space_of(kind_), base_ + offset, bytes, value))
    return fail(Status::out_of_memory);
  return {};
}

Result<> Resource::configure(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const {
  if (kind_ != ResourceKind::pci || !is_register(offset, bytes)) return fail(Status::invalid_argument);
  if (pci::is_of_messages(base_ + offset, bytes)) return fail(Status::not_supported);
  if (!machine::write_device(machine::DeviceSpace::pci, base_ + offset, bytes, value))
    return fail(Status::out_of_memory);
  return {};
}

}  // namespace nebulet::kernel
