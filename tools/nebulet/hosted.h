// SPDX-License-Identifier: MIT
// Running a program in the hosted kernel: a Linux process.
#pragma once

#include <string>
#include <vector>

#include "tools/nebulet/error.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

class Messages;

/// Paths for the kernel to open.
struct HostedFiles {
  std::string program, initfs;  ///< no initfs: empty
};

/// `tool_fd`: where the kernel sends messages for this tool; -1: nowhere.
std::vector<std::string> hosted_command(const RunOptions& options, const Installation& installation,
                                        const HostedFiles& files, int tool_fd);

/// Runs it with this process's standard streams and returns the program's exit code.
Result<int> run_hosted(const RunOptions& options, const Installation& installation, const HostedFiles& files,
                       Messages& messages);

}  // namespace nebulet::tool
