// SPDX-License-Identifier: MIT
// Runs the boot program: a process with the console and files, its modules, its main thread.
#pragma once

#include "kernel/init/command_line.h"
#include "kernel/loader/loader.h"

namespace nebulet::kernel {

/// Loads and runs the program and returns its exit status (design: what a user touches). Errors go to the
/// log. `boot_ns` is the monotonic time of the kernel's start. Thread context, a whole kernel stack.
int run_program(const CommandLine& line, const ProgramImage& image, std::uint64_t boot_ns);

}  // namespace nebulet::kernel
