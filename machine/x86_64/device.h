// SPDX-License-Identifier: MIT
// What the kernel keeps for itself of the devices that drivers may work (machine/device.h).
#pragma once

#include "machine/include/machine/device.h"

namespace nebulet::machine {

/// The kernel works this device itself. Before drivers run.
void claim_device(DeviceSpace space, std::uint64_t base, std::uint64_t count);
void claim_interrupt(std::uint32_t line);

}  // namespace nebulet::machine
