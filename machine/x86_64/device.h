// SPDX-License-Identifier: MIT
// What the kernel keeps for itself of the devices that drivers may work (machine/device.h).
#pragma once

#include "machine/include/machine/device.h"
#include "machine/x86_64/layout.h"

namespace nebulet::machine {

/// The kernel works this device itself. Before drivers run.
void claim_device(DeviceSpace space, std::uint64_t base, std::uint64_t count);
void claim_interrupt(std::uint32_t line);
bool is_claimed(DeviceSpace space, std::uint64_t base, std::uint64_t count);

/// Accesses of 1, 2 or 4 bytes; of registers as read_device does it.
std::uint32_t read_port(std::uint16_t port, unsigned bytes);
void write_port(std::uint16_t port, unsigned bytes, std::uint32_t value);
bool read_register(PhysicalAddress at, unsigned bytes, std::uint32_t& value);
bool write_register(PhysicalAddress at, unsigned bytes, std::uint32_t value);

}  // namespace nebulet::machine
