// SPDX-License-Identifier: MIT
// PCI for programs that hand out devices: which functions there are, what they have, and the parts of a
// function that its driver gets. A function's registers are read with bounds: it may say anything.
// Source: PCI Local Bus Specification 3.0, 6.1, 6.2, 6.7, 6.8; PCI-to-PCI Bridge Architecture 1.2, 3.2.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk::pci {

constexpr std::uint32_t kFunctionBytes = 4096;
constexpr std::uint64_t kConfigurationBytes = std::uint64_t{kFunctionBytes} << 16;
constexpr std::uint32_t kMaxFunctions = 1024;  ///< that are looked at; real machines have some dozens

/// A function's configuration space. All bits of what does not exist are set.
class Function {
 public:
  /// `handle` is a resource of configuration space in which the function is at `base`.
  Function(nb_handle_t handle, std::uint32_t base, std::uint32_t number)
      : handle_(handle), base_(base), number_(number) {}

  /// bus * 256 + device * 8 + function
  std::uint32_t number() const { return number_; }
  std::uint8_t read8(std::uint32_t offset) const { return static_cast<std::uint8_t>(read(offset, 1)); }
  std::uint16_t read16(std::uint32_t offset) const { return static_cast<std::uint16_t>(read(offset, 2)); }
  std::uint32_t read32(std::uint32_t offset) const { return read(offset, 4); }
  /// False: it belongs to message interrupts.
  bool configure(std::uint32_t offset, std::uint32_t bytes, std::uint32_t value) const {
    return nb_resource_configure(handle_, base_ + offset, bytes, value) == NB_STATUS_OK;
  }

  bool exists() const { return vendor() != 0xffff; }
  std::uint16_t vendor() const { return read16(0); }
  std::uint16_t device() const { return read16(2); }
  std::uint16_t subsystem() const { return read16(0x2e); }
  std::uint32_t class_code() const { return read32(8) >> 8; }
  std::uint8_t header_type() const { return read8(14) & 0x7f; }
  bool has_several_functions() const { return read8(14) & 0x80; }
  /// The number of the ISA interrupt to which the firmware led its line; 0xff: none.
  std::uint8_t line() const { return read8(0x3c); }

 private:
  std::uint32_t read(std::uint32_t offset, std::uint32_t bytes) const {
    const std::int64_t value = nb_resource_read(handle_, base_ + offset, bytes);
    return value < 0 ? ~0u : static_cast<std::uint32_t>(value);
  }

  nb_handle_t handle_;
  std::uint32_t base_, number_;
};

/// Calls `visit` with the offset of each capability of this id.
template <class Visit>
void for_each_capability(const Function& function, std::uint8_t id, Visit visit) {
  constexpr int kMost = 48;  // that many fit; a list that is longer is a loop
  if (!(function.read16(6) & 0x10)) return;
  std::uint8_t at = function.read8(0x34) & 0xfc;
  for (int i = 0; at >= 64 && i < kMost; ++i) {
    if (function.read8(at) == id) visit(at);
    at = function.read8(at + 1u) & 0xfc;
  }
}

struct Bar {
  enum class Kind : std::uint8_t { none, ports, registers } kind = Kind::none;
  std::uint64_t base = 0, size = 0;
};

/// Where a function's registers are, and how many, which is found out by writing; the function must not be in
/// use.
inline Bar bar(const Function& function, std::uint32_t index) {
  const std::uint32_t bars = function.header_type() == 0 ? 6 : function.header_type() == 1 ? 2 : 0;
  if (index >= bars) return {};
  const std::uint32_t at = 16 + 4 * index, low = function.read32(at);
  const bool ports = low & 1, wide = !ports && (low >> 1 & 3) == 2;
  if (wide && index + 1 == bars) return {};
  const std::uint32_t high = wide ? function.read32(at + 4) : 0;
  const std::uint16_t command = function.read16(4);
  function.configure(4, 2, command & ~3u);  // it does not answer while its address is nonsense
  function.configure(at, 4, ~0u);
  if (wide) function.configure(at + 4, 4, ~0u);
  const std::uint32_t low_mask = function.read32(at), high_mask = wide ? function.read32(at + 4) : ~0u;
  function.configure(at, 4, low);
  if (wide) function.configure(at + 4, 4, high);
  function.configure(4, 2, command);
  const std::uint32_t flags = ports ? 3 : 15;
  const std::uint64_t mask = std::uint64_t{high_mask} << 32 | (low_mask & ~flags);
  Bar found{.kind = ports ? Bar::Kind::ports : Bar::Kind::registers,
            .base = std::uint64_t{high} << 32 | (low & ~flags),
            .size = ports ? (~mask + 1) & 0xffff : ~mask + 1};
  const bool power_of_two = found.size != 0 && (found.size & (found.size - 1)) == 0;
  if ((low_mask & ~flags) == 0 && (!wide || high_mask == 0)) return {};
  return power_of_two && found.base != 0 && found.base % found.size == 0 ? found : Bar{};
}

/// The table of MSI-X messages, which the kernel works: no driver gets it.
struct MessageTable {
  std::uint32_t bar = 0, messages = 0;
  std::uint64_t begin = 0, end = 0;
};
inline std::optional<MessageTable> message_table(const Function& function) {
  std::optional<MessageTable> table;
  for_each_capability(function, 0x11, [&](std::uint8_t at) {
    if (table) return;
    const std::uint32_t messages = (function.read16(at + 2u) & 0x7ff) + 1u, place = function.read32(at + 4u);
    table = MessageTable{place & 7, messages, place & ~7u, (place & ~7u) + std::uint64_t{messages} * 16};
  });
  return table;
}

/// What a driver gets of a BAR: all of it, or what lies before the table of messages.
inline Bar bar_for_drivers(const Function& function, std::uint32_t index) {
  Bar found = bar(function, index);
  const auto table = message_table(function);
  if (table && table->bar == index) found.size = std::min(found.size, table->begin);
  return found.size == 0 ? Bar{} : found;
}

/// Calls `visit` with each function that exists, bus 0 and what lies behind its bridges. `handle` is a
/// resource of all configuration space.
template <class Visit>
void for_each_function(nb_handle_t handle, Visit visit) {
  std::bitset<256> seen;
  std::vector<std::uint8_t> buses{0};
  std::uint32_t count = 0;
  while (!buses.empty()) {
    const std::uint32_t bus = buses.back();
    buses.pop_back();
    if (seen.test(bus)) continue;  // bridges in a circle
    seen.set(bus);
    for (std::uint32_t device = 0; device < 32; ++device) {
      for (std::uint32_t number = 0; number < 8; ++number) {
        const std::uint32_t id = bus << 8 | device << 3 | number;
        const Function function(handle, id * kFunctionBytes, id);
        if (!function.exists()) {
          if (number == 0) break;
          continue;
        }
        if (++count > kMaxFunctions) return;
        if (function.header_type() == 1) buses.push_back(function.read8(0x19));
        visit(function);
        if (number == 0 && !function.has_several_functions()) break;
      }
    }
  }
}

}  // namespace nebulet::sdk::pci
