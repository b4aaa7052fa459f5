// SPDX-License-Identifier: MIT
// `nebulet inspect`: what a module declares, and what each stage of the compiler makes of a function.
#pragma once

#include "tools/nebulet/error.h"
#include "tools/nebulet/options.h"

namespace nebulet::tool {

/// Prints types, imports, exports and functions of a module; or one function, named by index or by name.
Result<> inspect(const InspectOptions& options);

}  // namespace nebulet::tool
