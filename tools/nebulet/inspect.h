// SPDX-License-Identifier: MIT
// `nebulet inspect`: what a module declares, and what each stage of the compiler makes of a function.
#pragma once

#include <string>

#include "tools/nebulet/error.h"

namespace nebulet::tool {

/// Stages of the compiler, in their order.
enum class Stage { ssa, optimized, selected, allocated, code };

/// Prints types, imports, exports and functions of a module.
Result<> inspect_module(const std::string& path);
/// Prints one function, named by index or by name, after `stage`.
Result<> inspect_function(const std::string& path, const std::string& function, Stage stage);

}  // namespace nebulet::tool
