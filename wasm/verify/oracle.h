// SPDX-License-Identifier: MIT
// Tests only: a second opinion by Zydis, which shares nothing with the verifier or the compiler.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "wasm/code_object.h"
#include "wasm/verify/decode.h"

namespace nebulet::wasm::verify {

/// Compares an accepted decoding with Zydis's: length, memory operand, definitions, privilege, flags. Empty
/// if they agree.
std::string disagreement(std::span<const std::uint8_t> bytes, const Insn& insn);

}  // namespace nebulet::wasm::verify
