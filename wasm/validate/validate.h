// SPDX-License-Identifier: MIT
// Validation alone (spec 3.3, appendix A.3), for whoever wants a verdict and no code.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "wasm/binary/module.h"
#include "wasm/error.h"

namespace nebulet::wasm {

/// Validates the body of one defined function (function index minus imported functions). `scratch` may be
/// reset afterwards.
Result<> validate_function(const Module& module, std::uint32_t defined_index, Arena& scratch);

}  // namespace nebulet::wasm
