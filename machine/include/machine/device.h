// SPDX-License-Identifier: MIT
// Devices that drivers outside of the kernel work: their registers and interrupts. Hosted there are none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::machine {

/// Where registers are: I/O ports (0 … 0xffff), physical addresses, or configuration space of PCI (segment
/// 0), with kPciFunctionBytes for each function: (bus * 256 + device * 8 + function) * kPciFunctionBytes.
enum class DeviceSpace : std::uint8_t { ports, memory, pci };
constexpr std::uint32_t kPciFunctionBytes = 4096;

/// Whether [base, base + count) may be given to a driver: it lies within the space, and neither memory nor a
/// device that the kernel works itself is in it. `count` is not 0. Of PCI all may: functions that the kernel
/// works itself read as if they did not exist.
bool is_for_drivers(DeviceSpace space, std::uint64_t base, std::uint64_t count);

/// Accesses of 1, 2 or 4 bytes, at a multiple of that, to what is_for_drivers. False: there was no memory to
/// map the register.
bool read_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t& value);
bool write_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t value);

/// When an interrupt line is active.
struct InterruptTrigger {
  bool low = false;    ///< at low voltage
  bool level = false;  ///< as long as the voltage stays; false: when it changes
};

/// Interrupt lines are numbered from 0 (ACPI's global system interrupts).
constexpr std::uint32_t kInterruptLines = 96;
/// The line and trigger of an interrupt of the ISA bus (0 … 15).
std::uint32_t isa_interrupt_line(std::uint32_t number, InterruptTrigger& trigger);
/// Delivers the line's interrupts to this CPU, where kernel::on_interrupt gets them; it is masked at first.
/// False: no such line, or the kernel uses it itself.
bool connect_interrupt(std::uint32_t line, InterruptTrigger trigger);
/// A change of voltage while a line is masked is lost; a level is not. Any context.
void mask_interrupt(std::uint32_t line);
void unmask_interrupt(std::uint32_t line);

/// Interrupts that devices send as messages are numbered from kInterruptLines on. kernel::on_interrupt gets
/// them too.
constexpr std::uint32_t kMessageInterrupts = 64;
struct InterruptMessage {
  std::uint64_t address;
  std::uint32_t data;
};
/// What a device writes to interrupt this CPU.
InterruptMessage interrupt_message(std::uint32_t interrupt);

/// Contiguous memory for devices, 2^order pages with what was in them; `at` nullptr: there is none.
struct DeviceMemory {
  std::byte* at = nullptr;
  std::uint64_t address = 0;  ///< as devices see it
};
constexpr std::uint32_t kMaxDeviceMemoryOrder = 10;
DeviceMemory allocate_device_memory(std::uint32_t order);
void free_device_memory(const DeviceMemory& memory, std::uint32_t order);
/// Lets a PCI function reach the memory. Without an IOMMU each reaches all anyway. False: no memory for
/// tables.
bool grant_device_memory(std::uint32_t function, const DeviceMemory& memory, std::uint32_t order);
/// Takes that away. True: it is certain that the function does not reach it; without an IOMMU it is not.
bool revoke_device_memory(std::uint32_t function, const DeviceMemory& memory, std::uint32_t order);

}  // namespace nebulet::machine
