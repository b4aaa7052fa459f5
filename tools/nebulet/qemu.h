// SPDX-License-Identifier: MIT
// Running a program in a virtual machine: the QEMU command line, and serving the console link until the
// kernel powers off.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tools/nebulet/error.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

class Messages;

/// Whether KVM offers what the kernel needs of a processor. A device node alone says nothing: the module may
/// be missing, and nested virtualization may hide features that emulation has.
bool kvm_works();
const char* machine_name(Machine machine);

/// The command that boots `kernel` with `initfs` as its archive of boot modules.
std::vector<std::string> qemu_command(const RunOptions& options, const std::string& kernel,
                                      const std::string& initfs);

/// Bytes for the kernel's boot archive.
struct BootFiles {
  std::span<const std::byte> program, initfs;  ///< no initfs: empty
};

/// Boots, serves, and returns the program's exit code.
Result<int> run_in_qemu(const RunOptions& options, const Installation& installation, const BootFiles& files,
                        Messages& messages);

}  // namespace nebulet::tool
