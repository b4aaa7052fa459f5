// SPDX-License-Identifier: MIT
// Import matching (spec 3.4.x, 4.5.3) and its messages.
#pragma once

#include <string>

#include "wasm/runtime/code.h"
#include "wasm/runtime/store.h"

namespace nebulet::wasm {

/// Whether `given` may stand for `import` of `code`'s module.
bool matches(const ModuleCode& code, const Import& import, const Extern& given);
/// The type in the words of the text format: "(func (param i32) (result i64))", "(memory 1 2)".
std::string describe(const Extern& given);
std::string describe_import(const Module& module, const Import& import);

}  // namespace nebulet::wasm
