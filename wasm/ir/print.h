// SPDX-License-Identifier: MIT
// The text form of a function, for tests and for people.
#pragma once

#include <string>

#include "wasm/ir/ir.h"

namespace nebulet::wasm::ir {

std::string print(const Function& function);

}  // namespace nebulet::wasm::ir
