// SPDX-License-Identifier: MIT
#pragma once

namespace nebulet::machine {

/// Powers the machine off by ACPI, or, where that fails, resets it. Uses nothing but ports and mapped
/// registers.
[[noreturn]] void power_off();
/// Maps the registers that power_off uses.
void prepare_power_off();

}  // namespace nebulet::machine
