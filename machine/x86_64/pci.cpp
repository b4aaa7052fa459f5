// SPDX-License-Identifier: MIT
#include "machine/x86_64/pci.h"

#include "machine/x86_64/io.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;
enum Offset : std::uint8_t { kId = 0, kCommand = 4, kHeaderType = 14, kBars = 16, kCapabilities = 52 };
constexpr std::uint32_t kMemorySpace = 2, kBusMaster = 4, kHasCapabilities = 1 << 20;  // command and status
constexpr std::uint8_t kMsiX = 0x11;
constexpr std::uint32_t kMsiXEnable = 1u << 31, kMsiXMask = 1u << 30;
constexpr int kMaxCapabilities = 48;  // that many fit; a list that is longer is a loop

}  // namespace

std::uint32_t PciDevice::read(std::uint8_t offset) const {
  out32(kAddressPort, address_ | (offset & 0xfc));
  return in32(kDataPort);
}
std::uint8_t PciDevice::read8(std::uint8_t offset) const {
  return static_cast<std::uint8_t>(read(offset) >> (offset & 3) * 8);
}
std::uint16_t PciDevice::read16(std::uint8_t offset) const {
  return static_cast<std::uint16_t>(read(offset) >> (offset & 2) * 8);
}
void PciDevice::write(std::uint8_t offset, std::uint32_t value) const {
  out32(kAddressPort, address_ | (offset & 0xfc));
  out32(kDataPort, value);
}

std::optional<PciDevice> PciDevice::find(std::uint16_t vendor, std::uint16_t id, std::uint16_t other_id) {
  for (std::uint32_t device = 0; device < 32; ++device) {
    for (std::uint32_t function = 0; function < 8; ++function) {
      const PciDevice found(1u << 31 | device << 11 | function << 8);
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

void PciDevice::enable() const { write(kCommand, (read(kCommand) & 0xffff) | kMemorySpace | kBusMaster); }

bool PciDevice::route_interrupt(std::uint32_t apic_id, std::uint8_t vector) const {
  const std::uint8_t capability = next_capability(kMsiX);
  if (!capability) return false;
  const std::uint32_t table = read(static_cast<std::uint8_t>(capability + 4));
  const PhysicalAddress base = bar(static_cast<std::uint8_t>(table & 7));
  if (!base) return false;
  auto* entry = reinterpret_cast<volatile std::uint32_t*>(map_device(base + (table & ~7u), 16));
  write(capability, (read(capability) | kMsiXEnable | kMsiXMask));
  entry[0] = 0xfee00000 | (apic_id & 0xff) << 12;
  entry[1] = 0;
  entry[2] = vector;
  entry[3] = 0;  // not masked
  write(capability, (read(capability) | kMsiXEnable) & ~kMsiXMask);
  return true;
}

}  // namespace nebulet::machine
