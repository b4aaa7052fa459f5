// SPDX-License-Identifier: MIT
// Reads the text form that print.h writes. For tests: what stands before and after a pass is written as text.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "wasm/ir/ir.h"

namespace nebulet::wasm::ir {

/// Fills an empty `function`. Values are numbered anew in the order of their appearance, so print(parse(x))
/// is a normal form. The error names the line and what was expected.
std::expected<void, std::string> parse(std::string_view text, Function& function);

}  // namespace nebulet::wasm::ir
