// SPDX-License-Identifier: MIT
// Where a virtio device's registers are. All offsets count from the beginning of the driver's range of
// registers: on PCI the BAR in which the device's structures are. Source: OASIS
// virtio 1.2, 4.1.2, 4.1.4, 4.2.2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "user/sdk/pci.h"

namespace nebulet::virtio {

enum class Bus : std::uint32_t { none = 0, pci = 1, mmio = 2 };

/// Device types (5).
enum class Type : std::uint32_t { none = 0, net = 1, block = 2, console = 3, rng = 4, ninep = 9 };

/// Handles of a virtio driver: what the device is, its registers, its interrupt, and then what the driver
/// says. A device that is memory-mapped is its registers.
constexpr std::uint32_t kDeviceHandle = 1, kRegistersHandle = 2, kInterruptHandle = 3, kFirstOtherHandle = 4;

constexpr std::uint32_t kMmioMagic = 0x74726976;  ///< the first register of one that is memory-mapped

struct Layout {
  Bus bus = Bus::none;
  std::uint32_t bar = 0;                                        ///< PCI: of all structures
  std::uint32_t common = 0;                                     ///< 4.1.4.3; MMIO: all registers, 4.2.2
  std::uint32_t notify = 0, notify_bytes = 0, notify_step = 0;  ///< 4.1.4.4
  std::uint32_t config = 0, config_bytes = 0;                   ///< 4.1.4.6
};

/// Of which type a PCI function is; none: it is no virtio device.
inline Type type_of(const sdk::pci::Function& function) {
  constexpr std::uint16_t kVendor = 0x1af4;
  const std::uint16_t device = function.device();
  if (function.vendor() != kVendor || device < 0x1000 || device > 0x107f) return Type::none;
  return static_cast<Type>(device >= 0x1040 ? device - 0x1040 : function.subsystem());
}

/// nullopt: it has no structures of virtio 1.0, or has them in several BARs.
inline std::optional<Layout> find_layout(const sdk::pci::Function& function) {
  struct Place {
    std::uint8_t bar = 0xff;
    std::uint32_t offset = 0, bytes = 0, step = 0;
  };
  std::array<Place, 5> places;  // by type: common, notify, ISR, device
  sdk::pci::for_each_capability(function, 0x09, [&](std::uint8_t at) {
    const std::uint8_t type = function.read8(at + 3u);
    if (type == 0 || type >= places.size() || places[type].bar != 0xff) return;
    places[type] = {function.read8(at + 4u), function.read32(at + 8u), function.read32(at + 12u),
                    type == 2 ? function.read32(at + 16u) : 0};
  });
  const Place &common = places[1], &notify = places[2], &config = places[4];
  if (common.bar > 5 || notify.bar != common.bar || common.bytes < 56 || notify.bytes < 2)
    return std::nullopt;
  const bool has_config = config.bar == common.bar;
  return Layout{.bus = Bus::pci,
                .bar = common.bar,
                .common = common.offset,
                .notify = notify.offset,
                .notify_bytes = notify.bytes,
                .notify_step = notify.step,
                .config = has_config ? config.offset : 0,
                .config_bytes = has_config ? config.bytes : 0};
}

}  // namespace nebulet::virtio
