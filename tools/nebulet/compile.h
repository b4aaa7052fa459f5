// SPDX-License-Identifier: MIT
// `nebulet compile`: the engine on the command line, from a module to a code file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

/// The code file (wasm/object) of a module, compiled on all CPUs; `name` is for errors. With `times` the CPU
/// time of each stage is printed.
Result<std::vector<std::byte>> compile_bytes(std::span<const std::byte> module, const std::string& name,
                                             bool times = false);

/// Compiles the module and writes the code file (wasm/object).
Result<> compile_file(const CompileOptions& options);

}  // namespace nebulet::tool
