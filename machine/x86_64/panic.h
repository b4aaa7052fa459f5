// SPDX-License-Identifier: MIT
// The end of the kernel by its own mistake: message, registers, backtrace, power off.
#pragma once

#include <cstdint>
#include <string_view>

#include "machine/x86_64/interrupts.h"

namespace nebulet::machine {

constexpr int kPanicStatus = 126;

/// A fault that nobody claims. `address` is what CR2 said.
[[noreturn]] void panic_at(const InterruptFrame& frame, std::uint64_t address);
/// Ends a boot that cannot go on for a reason that is not a bug.
[[noreturn]] void refuse_to_boot(std::string_view reason, std::string_view what);
void install_panic_handler();
/// For non-maskable interrupts, by which a CPU that panicked stops the others.
void stop_if_panicking();

}  // namespace nebulet::machine
