// SPDX-License-Identifier: MIT
// Where a virtio device's registers are, which whoever starts its driver finds out and passes in the start-up
// block. All offsets count from the beginning of the driver's range of registers.
#pragma once

#include <cstdint>

namespace nebulet::virtio {

enum class Bus : std::uint32_t { none = 0, pci = 1, mmio = 2 };

/// Device types (OASIS virtio 1.2, 5).
enum class Type : std::uint32_t { net = 1, block = 2, console = 3, rng = 4, ninep = 9 };

/// Handles of a virtio driver: what the device is, its registers, its interrupt, and then what the driver
/// says.
constexpr std::uint32_t kDeviceHandle = 1, kRegistersHandle = 2, kInterruptHandle = 3, kFirstOtherHandle = 4;

struct Layout {
  Bus bus = Bus::none;
  std::uint32_t common = 0;                                     ///< 4.1.4.3; MMIO: all registers, 4.2.2
  std::uint32_t notify = 0, notify_bytes = 0, notify_step = 0;  ///< 4.1.4.4
  std::uint32_t config = 0, config_bytes = 0;                   ///< 4.1.4.6
};

}  // namespace nebulet::virtio
