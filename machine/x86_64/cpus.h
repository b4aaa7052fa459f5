// SPDX-License-Identifier: MIT
// The CPUs besides the one that booted.
#pragma once

#include <cstdint>

#include "machine/x86_64/boot_protocol.h"

namespace nebulet::machine {

/// Starts every CPU that the firmware names, up to the first that does not come. They wait for start_cpu.
/// Returns how many there are with this one. Requires clock and APIC.
std::uint32_t start_other_cpus(const BootFacts& facts);

}  // namespace nebulet::machine
