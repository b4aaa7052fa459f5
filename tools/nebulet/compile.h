// SPDX-License-Identifier: MIT
// `nebulet compile`: the engine on the command line, from a module to a code file.
#pragma once

#include <string>

#include "tools/nebulet/error.h"

namespace nebulet::tool {

/// Compiles `input` and writes the code file (wasm/object) to `output`.
Result<> compile_file(const std::string& input, const std::string& output);

}  // namespace nebulet::tool
