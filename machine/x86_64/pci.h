// SPDX-License-Identifier: MIT
// Configuration space of PCI, and as much more of it as finding one device on the first bus takes: its
// capabilities, where the firmware put its registers.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/x86_64/layout.h"

namespace nebulet::machine {

/// Finds out how configuration space is reached, and keeps that from drivers. After the page tables and ACPI.
void initialize_pci();
/// 1, 2 or 4 bytes at a multiple of that in configuration space, numbered as machine/device.h does. What does
/// not exist reads as all ones. False: there was no memory to map the register.
bool read_pci(std::uint64_t at, unsigned bytes, std::uint32_t& value);
bool write_pci(std::uint64_t at, unsigned bytes, std::uint32_t value);

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
  /// Lets the device answer at its BARs and write memory, and keeps it from drivers.
  void enable() const;
  /// Delivers the device's first message interrupt to the CPU. False: it has no MSI-X.
  bool route_interrupt(std::uint32_t apic_id, std::uint8_t vector) const;

 private:
  explicit PciDevice(std::uint64_t address) : address_(address) {}
  std::uint64_t address_;  ///< in configuration space
};

}  // namespace nebulet::machine
