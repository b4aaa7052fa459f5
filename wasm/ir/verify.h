// SPDX-License-Identifier: MIT
// Checks the invariants of the SSA form. For tests and debug builds; the product's safety rests on
// wasm/verify instead.
#pragma once

#include <string>

#include "wasm/ir/ir.h"

namespace nebulet::wasm::ir {

/// The first broken rule, or an empty string: every block ends in its only terminator, edges match parameters
/// in number and type, operands are defined before use on every path and have the operation's types.
/// Requires: cfg.
std::string verify(const Function& function);

}  // namespace nebulet::wasm::ir
