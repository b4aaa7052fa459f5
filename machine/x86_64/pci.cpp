// SPDX-License-Identifier: MIT
#include "machine/x86_64/pci.h"

#include "machine/x86_64/acpi.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;
enum Offset : std::uint8_t { kId = 0, kCommand = 4, kHeaderType = 14, kBars = 16, kCapabilities = 52 };
constexpr std::uint32_t kMemorySpace = 2, kBusMaster = 4, kHasCapabilities = 1 << 20;  // command and status
constexpr std::uint8_t kMsiX = 0x11;
constexpr std::uint32_t kMsiXEnable = 1u << 31, kMsiXMask = 1u << 30;
constexpr int kMaxCapabilities = 48;  // that many fit; a list that is longer is a loop
constexpr std::uint64_t kBusBytes = 256 * kPciFunctionBytes;
constexpr std::uint32_t kOldBytes = 256;  ///< of a function, by the ports

SpinLock g_lock;  ///< of the two ports
PhysicalAddress g_mapped = 0;
std::uint64_t g_mapped_bytes = 0;

/// The port at which a register is afterwards. With g_lock held.
std::uint16_t select(std::uint64_t at) {
  const auto function = static_cast<std::uint32_t>(at / kPciFunctionBytes);
  out32(kAddressPort, 1u << 31 | function << 8 | (at & 0xfc));
  return static_cast<std::uint16_t>(kDataPort + (at & 3));
}

}  // namespace

void initialize_pci() {
  const PhysicalAddress base = acpi().pci_configuration;
  const std::uint64_t size = acpi().pci_buses * kBusBytes;
  if (base != 0 && base % kPciFunctionBytes == 0 && is_for_drivers(DeviceSpace::memory, base, size)) {
    g_mapped = base;
    g_mapped_bytes = size;
    claim_device(DeviceSpace::memory, base, size);
  }
  claim_device(DeviceSpace::ports, kAddressPort, 8);
}

bool read_pci(std::uint64_t at, unsigned bytes, std::uint32_t& value) {
  if (at < g_mapped_bytes) return read_register(g_mapped + at, bytes, value);
  value = ~0u >> (32 - 8 * bytes);
  if (at % kPciFunctionBytes >= kOldBytes) return true;
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  value = read_port(select(at), bytes);
  return true;
}

bool write_pci(std::uint64_t at, unsigned bytes, std::uint32_t value) {
  if (at < g_mapped_bytes) return write_register(g_mapped + at, bytes, value);
  if (at % kPciFunctionBytes >= kOldBytes) return true;
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  write_port(select(at), bytes, value);
  return true;
}

std::uint32_t PciDevice::read(std::uint8_t offset) const {
  std::uint32_t value = ~0u;
  read_pci(address_ | (offset & 0xfc), 4, value);
  return value;
}
std::uint8_t PciDevice::read8(std::uint8_t offset) const {
  return static_cast<std::uint8_t>(read(offset) >> (offset & 3) * 8);
}
std::uint16_t PciDevice::read16(std::uint8_t offset) const {
  return static_cast<std::uint16_t>(read(offset) >> (offset & 2) * 8);
}
void PciDevice::write(std::uint8_t offset, std::uint32_t value) const {
  write_pci(address_ | (offset & 0xfc), 4, value);
}

std::optional<PciDevice> PciDevice::find(std::uint16_t vendor, std::uint16_t id, std::uint16_t other_id) {
  for (std::uint32_t device = 0; device < 32; ++device) {
    for (std::uint32_t function = 0; function < 8; ++function) {
      const PciDevice found(std::uint64_t{device * 8 + function} * kPciFunctionBytes);
      const std::uint32_t name = found.read(kId);
      const auto its_id = static_cast<std::uint16_t>(name >> 16);
      if ((name & 0xffff) == vendor && (its_id == id || its_id == other_id)) return found;
      // Function 0 says whether there are others.
      if (function == 0 && (name == ~0u || !(found.read8(kHeaderType) & 0x80))) break;
    }
  }
  return std::nullopt;
}

std::uint8_t PciDevice::next_capability(std::uint8_t id, std::uint8_t after) const {
  if (!(read(kCommand) & kHasCapabilities)) return 0;
  std::uint8_t at = after ? read8(static_cast<std::uint8_t>(after + 1)) : read8(kCapabilities);
  for (int i = 0; at >= 64 && i < kMaxCapabilities; ++i) {
    at &= 0xfc;
    if (read8(at) == id) return at;
    at = read8(static_cast<std::uint8_t>(at + 1));
  }
  return 0;
}

PhysicalAddress PciDevice::bar(std::uint8_t index) const {
  if (index > 5) return 0;
  const auto offset = static_cast<std::uint8_t>(kBars + 4 * index);
  const std::uint32_t low = read(offset);
  if (low & 1) return 0;  // ports
  PhysicalAddress at = low & ~15u;
  if ((low >> 1 & 3) == 2 && index < 5)
    at |= PhysicalAddress{read(static_cast<std::uint8_t>(offset + 4))} << 32;
  return at;
}

void PciDevice::enable() const {
  claim_device(DeviceSpace::pci, address_, kPciFunctionBytes);
  write(kCommand, (read(kCommand) & 0xffff) | kMemorySpace | kBusMaster);
}

bool PciDevice::route_interrupt(std::uint32_t apic_id, std::uint8_t vector) const {
  const std::uint8_t capability = next_capability(kMsiX);
  if (!capability) return false;
  const std::uint32_t table = read(static_cast<std::uint8_t>(capability + 4));
  const PhysicalAddress base = bar(static_cast<std::uint8_t>(table & 7));
  if (!base) return false;
  auto* entry = reinterpret_cast<volatile std::uint32_t*>(map_device(base + (table & ~7u), 16));
  claim_device(DeviceSpace::memory, base + (table & ~7u), 16);
  write(capability, (read(capability) | kMsiXEnable | kMsiXMask));
  entry[0] = 0xfee00000 | (apic_id & 0xff) << 12;
  entry[1] = 0;
  entry[2] = vector;
  entry[3] = 0;  // not masked
  write(capability, (read(capability) | kMsiXEnable) & ~kMsiXMask);
  return true;
}

}  // namespace nebulet::machine
