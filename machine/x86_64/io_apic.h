// SPDX-License-Identifier: MIT
// The I/O APICs: which vector the interrupt at each of their inputs gets.
#pragma once

#include <cstdint>

#include "machine/x86_64/acpi.h"

namespace nebulet::machine {

/// Delivers a device's interrupts to this CPU. False: no I/O APIC has that input.
bool route_interrupt(const InterruptLine& line, std::uint8_t vector, bool masked = false);
/// Any context. The input was routed.
void set_interrupt_mask(std::uint32_t input, bool masked);

}  // namespace nebulet::machine
