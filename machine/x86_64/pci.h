// SPDX-License-Identifier: MIT
// As much of PCI as finding one device on the first bus takes: its configuration space by the old ports, its
// capabilities, where the firmware put its registers.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/x86_64/layout.h"

namespace nebulet::machine {

class PciDevice {
 public:
  /// The first device of the vendor with one of the two numbers.
  static std::optional<PciDevice> find(std::uint16_t vendor, std::uint16_t id, std::uint16_t other_id);

  std::uint32_t read(std::uint8_t offset) const;
  std::uint8_t read8(std::uint8_t offset) const;
  std::uint16_t read16(std::uint8_t offset) const;
  void write(std::uint8_t offset, std::uint32_t value) const;

  /// Offset of the next capability with this id behind `after` (0: from the start); 0: none.
  std::uint8_t next_capability(std::uint8_t id, std::uint8_t after = 0) const;
  /// Physical address of a memory BAR; 0: there is none or nobody gave it an address.
  PhysicalAddress bar(std::uint8_t index) const;
  /// Lets the device answer at its BARs and write memory.
  void enable() const;
  /// Delivers the device's first message interrupt to the CPU. False: it has no MSI-X.
  bool route_interrupt(std::uint32_t apic_id, std::uint8_t vector) const;

 private:
  explicit PciDevice(std::uint32_t address) : address_(address) {}
  std::uint32_t address_;  ///< as the address port wants it, without the offset
};

}  // namespace nebulet::machine
