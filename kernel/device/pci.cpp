// SPDX-License-Identifier: MIT
#include "kernel/device/pci.h"

namespace nebulet::kernel::pci {
namespace {

using machine::DeviceSpace;

enum Offset : std::uint32_t { kCommand = 4, kStatus = 6, kBars = 16, kCapabilities = 52 };
constexpr std::uint32_t kMemorySpace = 2, kBusMaster = 4, kNoLine = 1 << 10, kHasCapabilities = 1 << 4;
constexpr std::uint32_t kMsi = 0x05, kMsiX = 0x11;
constexpr std::uint32_t kMsiBytes = 24, kMsiXBytes = 12;
constexpr std::uint32_t kMsiEnable = 1, kMsiSeveral = 7 << 4, kMsiWide = 1 << 7, kMsiMask = 1 << 8;
constexpr std::uint32_t kMsiXEnable = 1 << 15, kMsiXMaskAll = 1 << 14, kMsiXEntries = 0x7ff;
constexpr std::uint32_t kEntryBytes = 16, kEntryControl = 12;
constexpr int kMaxCapabilities = 48;  // that many fit; a list that is longer is a loop
constexpr std::uint32_t kNothing = ~0u;

/// A function whose registers cannot be mapped reads as if it did not exist.
std::uint32_t get(Function function, std::uint32_t offset, unsigned bytes) {
  std::uint32_t value = 0;
  const std::uint64_t at = std::uint64_t{function} * machine::kPciFunctionBytes + offset;
  return machine::read_device(DeviceSpace::pci, at, bytes, value) ? value : kNothing >> (32 - 8 * bytes);
}
bool set(Function function, std::uint32_t offset, unsigned bytes, std::uint32_t value) {
  return machine::write_device(DeviceSpace::pci,
                               std::uint64_t{function} * machine::kPciFunctionBytes + offset, bytes, value);
}

/// Calls `visit(id, offset)` for each capability until it says true.
template <class Visit>
void for_each_capability(Function function, Visit visit) {
  if (get(function, 0, 4) == kNothing || !(get(function, kStatus, 2) & kHasCapabilities)) return;
  std::uint32_t at = get(function, kCapabilities, 1) & 0xfc;
  for (int i = 0; at >= 64 && i < kMaxCapabilities; ++i) {
    const std::uint32_t header = get(function, at, 2);
    if (visit(header & 0xff, at)) return;
    at = header >> 8 & 0xfc;
  }
}
std::uint32_t find_capability(Function function, std::uint32_t id) {
  std::uint32_t found = 0;
  for_each_capability(function, [&](std::uint32_t its_id, std::uint32_t at) {
    if (its_id == id) found = at;
    return found != 0;
  });
  return found;
}

/// Physical address of a memory BAR; 0: there is none or nobody gave it an address.
std::uint64_t bar(Function function, std::uint32_t index) {
  if (index > 5) return 0;
  const std::uint32_t low = get(function, kBars + 4 * index, 4);
  if (low & 1) return 0;  // ports
  std::uint64_t at = low & ~15u;
  if ((low >> 1 & 3) == 2) {
    if (index == 5) return 0;
    at |= std::uint64_t{get(function, kBars + 4 * index + 4, 4)} << 32;
  }
  return at;
}

}  // namespace

bool is_command(std::uint64_t at, std::uint32_t bytes) {
  return at % machine::kPciFunctionBytes == kCommand && bytes == 2;
}

bool is_of_messages(std::uint64_t at, std::uint32_t bytes) {
  const auto function = static_cast<Function>(at / machine::kPciFunctionBytes);
  const auto offset = static_cast<std::uint32_t>(at % machine::kPciFunctionBytes);
  bool found = false;
  for_each_capability(function, [&](std::uint32_t id, std::uint32_t begin) {
    const std::uint32_t size = id == kMsi ? kMsiBytes : id == kMsiX ? kMsiXBytes : 0;
    found = offset < begin + size && begin < offset + bytes;
    return found;
  });
  return found;
}

void stop_bus_master(Function function) {
  set(function, kCommand, 2, get(function, kCommand, 2) & ~kBusMaster);
  get(function, kCommand, 2);  // what the function wrote before is written when this is answered
}

Result<Message> Message::find(Function function, std::uint32_t index) {
  Message message;
  message.function_ = function;
  message.index_ = index;
  if ((message.capability_ = find_capability(function, kMsiX)) != 0) {
    message.entries_ = (get(function, message.capability_ + 2, 2) & kMsiXEntries) + 1;
    if (index >= message.entries_) return fail(Status::invalid_argument);
    const std::uint32_t place = get(function, message.capability_ + 4, 4);
    const std::uint64_t base = bar(function, place & 7);
    message.table_ = base + (place & ~7u);
    // Where the function says its table is must be nothing else that matters.
    if (base == 0 || message.table_ % 8 != 0 ||
        !machine::is_for_drivers(DeviceSpace::memory, message.table_, message.entries_ * kEntryBytes))
      return fail(Status::not_supported);
    return message;
  }
  if ((message.capability_ = find_capability(function, kMsi)) == 0) return fail(Status::not_supported);
  if (index != 0) return fail(Status::invalid_argument);
  const std::uint32_t control = get(function, message.capability_ + 2, 2);
  message.wide_ = control & kMsiWide;
  if (control & kMsiMask) message.mask_ = message.capability_ + (message.wide_ ? 16 : 12);
  return message;
}

Result<> Message::program(machine::InterruptMessage what) const {
  const std::uint32_t control_at = capability_ + 2;
  const std::uint32_t control = get(function_, control_at, 2);
  const auto write = [&](std::uint64_t at, std::uint32_t value) {
    return machine::write_device(DeviceSpace::memory, at, 4, value);
  };
  set(function_, kCommand, 2, get(function_, kCommand, 2) | kNoLine | kMemorySpace);
  if (table_ == 0) {
    set(function_, control_at, 2, control & ~(kMsiEnable | kMsiSeveral));
    set(function_, capability_ + 4, 4, static_cast<std::uint32_t>(what.address));
    if (wide_) set(function_, capability_ + 8, 4, static_cast<std::uint32_t>(what.address >> 32));
    set(function_, capability_ + (wide_ ? 12 : 8), 2, what.data);
    set_mask(true);
    return {};
  }
  if (!(control & kMsiXEnable)) {
    set(function_, control_at, 2, control | kMsiXEnable | kMsiXMaskAll);
    for (std::uint32_t i = 0; i < entries_; ++i)
      if (!write(table_ + std::uint64_t{i} * kEntryBytes + kEntryControl, 1))
        return fail(Status::out_of_memory);
  }
  const std::uint64_t entry = table_ + std::uint64_t{index_} * kEntryBytes;
  if (!write(entry + kEntryControl, 1) || !write(entry, static_cast<std::uint32_t>(what.address)) ||
      !write(entry + 4, static_cast<std::uint32_t>(what.address >> 32)) || !write(entry + 8, what.data))
    return fail(Status::out_of_memory);
  set(function_, control_at, 2, (control | kMsiXEnable) & ~kMsiXMaskAll);
  return {};
}

void Message::set_mask(bool masked) const {
  if (table_ != 0) {
    machine::write_device(DeviceSpace::memory, table_ + std::uint64_t{index_} * kEntryBytes + kEntryControl,
                          4, masked);
    return;
  }
  const std::uint32_t control_at = capability_ + 2;
  const std::uint32_t control = get(function_, control_at, 2);
  if (mask_ != 0) {
    set(function_, mask_, 4, masked);
    if (!(control & kMsiEnable)) set(function_, control_at, 2, control | kMsiEnable);
  } else {
    set(function_, control_at, 2, masked ? control & ~kMsiEnable : control | kMsiEnable);
  }
}

}  // namespace nebulet::kernel::pci
