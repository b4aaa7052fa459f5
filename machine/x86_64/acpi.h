// SPDX-License-Identifier: MIT
// What the kernel wants of the ACPI tables: CPUs, interrupt routing, a timer, how to power off. No
// interpreter.
#pragma once

#include <cstddef>
#include <cstdint>

#include "machine/x86_64/cpu.h"
#include "machine/x86_64/layout.h"

namespace nebulet::machine {

/// A generic address: a port, or memory.
struct AcpiRegister {
  enum class Space : std::uint8_t { none, memory, port } space = Space::none;
  std::uint8_t bytes = 1;
  std::uint64_t address = 0;
};

/// Where a device's interrupt arrives: the number of an I/O APIC's input, counted over all of them.
struct InterruptLine {
  std::uint32_t input = 0;
  bool low = false, level = false;
};

struct IoApic {
  PhysicalAddress address = 0;
  std::uint32_t first = 0;  ///< number of its first input
};

struct AcpiVirtio {
  PhysicalAddress address = 0;
  InterruptLine line;
};

constexpr std::uint32_t kMaxIoApics = 4, kMaxVirtio = 32;

struct AcpiFacts {
  std::uint32_t cpu_count = 0;  ///< 0: no table says
  std::uint32_t apic_ids[kMaxCpus] = {};
  std::uint32_t io_apic_count = 0;
  IoApic io_apics[kMaxIoApics] = {{.address = 0xfec00000}};
  /// Where the interrupts of the ISA bus arrive, if not at the input of their number, active high, edge.
  struct IsaOverride {
    std::uint8_t number;
    InterruptLine line;
  };
  std::uint32_t isa_override_count = 0;
  IsaOverride isa_overrides[16] = {};
  std::uint32_t virtio_count = 0;
  AcpiVirtio virtio[kMaxVirtio];  ///< memory-mapped virtio devices; most are empty places
  std::uint16_t power_timer = 0;  ///< port of the 3.58 MHz counter; 0: none
  PhysicalAddress hpet = 0;
  PhysicalAddress pci_configuration = 0;  ///< of bus 0 (ECAM); 0: only the ports
  std::uint32_t pci_buses = 0;            ///< that are there
  PhysicalAddress iommu = 0;              ///< registers of VT-d, if there is one unit, for PCI's segment 0
  bool iommu_is_for_all = false;          ///< of the segment's functions; else for these of bus 0
  bool iommu_is_for[256] = {};
  AcpiRegister reset;
  std::uint8_t reset_value = 0;
  AcpiRegister sleep_control;  ///< of hardware-reduced ACPI
  std::uint16_t pm1a_control = 0, pm1b_control = 0;
  std::uint32_t smi_command = 0;
  std::uint8_t acpi_enable = 0;
  bool can_power_off = false;  ///< \_S5 was found
  std::uint8_t sleep_type_a = 0, sleep_type_b = 0;
};

/// Reads the tables through the loader's map of the first 4 GiB, before any memory is handed out. `rsdp` 0:
/// search for it.
const AcpiFacts& read_acpi_tables(PhysicalAddress rsdp);
const AcpiFacts& acpi();
/// Where an interrupt of the ISA bus (0 … 15) arrives.
InterruptLine isa_interrupt(std::uint32_t number);

}  // namespace nebulet::machine
