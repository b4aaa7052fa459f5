// SPDX-License-Identifier: MIT
// A Linux process has no devices.
#include "machine/include/machine/device.h"

namespace nebulet::machine {

bool is_for_drivers(DeviceSpace, std::uint64_t, std::uint64_t) { return false; }
bool read_device(DeviceSpace, std::uint64_t, unsigned, std::uint32_t&) { return false; }
bool write_device(DeviceSpace, std::uint64_t, unsigned, std::uint32_t) { return false; }
std::uint32_t isa_interrupt_line(std::uint32_t number, InterruptTrigger&) { return number; }
bool connect_interrupt(std::uint32_t, InterruptTrigger) { return false; }
void mask_interrupt(std::uint32_t) {}
void unmask_interrupt(std::uint32_t) {}
InterruptMessage interrupt_message(std::uint32_t) { return {}; }
DeviceMemory allocate_device_memory(std::uint32_t) { return {}; }
void free_device_memory(const DeviceMemory&, std::uint32_t) {}
bool grant_device_memory(std::uint32_t, const DeviceMemory&, std::uint32_t) { return true; }
bool revoke_device_memory(std::uint32_t, const DeviceMemory&, std::uint32_t) { return false; }

}  // namespace nebulet::machine
