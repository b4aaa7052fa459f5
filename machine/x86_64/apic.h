// SPDX-License-Identifier: MIT
// The local APIC of each CPU: its timer, interrupts between CPUs.
#pragma once

#include <cstdint>

namespace nebulet::machine {

/// Turns this CPU's local APIC on; the boot CPU also silences the legacy controllers.
void initialize_apic();
std::uint32_t apic_id();
void end_of_interrupt();
void send_interrupt(std::uint32_t to_apic_id, std::uint8_t vector);
/// INIT and start-up to a CPU; it begins at physical address page * 4096 in real mode.
void send_init(std::uint32_t to_apic_id);
void send_startup(std::uint32_t to_apic_id, std::uint8_t page);
/// A non-maskable interrupt to all other CPUs. For the panic.
void send_stop();

/// Measures the timer against the clock. Requires the clock.
void calibrate_apic_timer();
/// Interrupts (kTimer) after about this time, or earlier if the counter is too short for it. 0 stops it.
void start_apic_timer(std::uint64_t nanoseconds);

}  // namespace nebulet::machine
