// SPDX-License-Identifier: MIT
// Tests only: an independent judgement of whether a function is safe, to ask about mutants that the verifier
// accepts. Decodes with Zydis, follows control flow from the entry, iterates to a fixpoint, and ignores
// labels and trap sites.
#pragma once

#include <string>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"

namespace nebulet::wasm::verify {

/// Why the defined function `index` of `code` is not safe; empty if it is.
std::string why_unsafe(const CodeObject& code, const Module& module, std::uint32_t index);

}  // namespace nebulet::wasm::verify
