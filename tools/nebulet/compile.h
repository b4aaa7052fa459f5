// SPDX-License-Identifier: MIT
// `nebulet compile`: the engine on the command line, from a module to a code file.
#pragma once

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

/// Compiles the module and writes the code file (wasm/object).
Result<> compile_file(const CompileOptions& options);

}  // namespace nebulet::tool
