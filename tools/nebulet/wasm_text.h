// SPDX-License-Identifier: MIT
// WebAssembly as text, for people: types, and the instructions of a function with their offsets. Not a format
// to assemble.
#pragma once

#include <string>

#include "wasm/binary/module.h"

namespace nebulet::tool {

std::string type_text(const wasm::ValType& type);
/// "(i32 i64) -> (f32)"
std::string type_text(const wasm::FuncType& type);

/// The locals and one line for each instruction: its offset in the module, indented by block. Stops at the
/// first byte that is no instruction, and says so.
std::string function_text(const wasm::Module& module, std::uint32_t function);

}  // namespace nebulet::tool
