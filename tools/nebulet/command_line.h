// SPDX-License-Identifier: MIT
// The kernel's command line (docs/reference/command-line.md): key=value pairs with percent-encoded values.
#pragma once

#include <string>

#include "tools/nebulet/options.h"

namespace nebulet::tool {

std::string kernel_command_line(const RunOptions& options);

}  // namespace nebulet::tool
