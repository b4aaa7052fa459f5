// SPDX-License-Identifier: MIT
// `nebulet run`: from a request to the program's exit code.
#pragma once

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

Result<int> run(RunOptions options);

}  // namespace nebulet::tool
