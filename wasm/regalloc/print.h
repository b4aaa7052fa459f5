// SPDX-License-Identifier: MIT
// Text of a machine function, with or without an allocation, for debugging and test failures.
#pragma once

#include <string>

#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc {

/// `result` may be null. Opcodes are numbers: their names belong to the target.
std::string print(const mir::Function& function, const Result* result = nullptr);

std::string to_string(Location location);

}  // namespace nebulet::wasm::regalloc
