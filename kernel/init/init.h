// SPDX-License-Identifier: MIT
// What the kernel is booted for. The library kernel_program defines it for nebulet.elf and nebulet-hosted; an
// image of tests links its own.
#pragma once

#include <cstdint>

#include "kernel/init/command_line.h"
#include "machine/include/machine/boot_info.h"

namespace nebulet::kernel {

/// The kernel's first task: returns the machine's exit status (design: what a user touches). `boot_ns` is the
/// monotonic time of the kernel's start. Thread context, a whole kernel stack.
int run_init(const machine::BootInfo& boot, const CommandLine& line, std::uint64_t boot_ns);

}  // namespace nebulet::kernel
