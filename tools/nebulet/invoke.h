// SPDX-License-Identifier: MIT
// `--invoke`: words of the command line as typed operands of an exported function, and its results as people
// write them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/nebulet/error.h"
#include "wasm/binary/types.h"

namespace nebulet::tool {

/// The operands as the kernel reads them (kernel/init/operands.h). Numbers are decimal or hexadecimal, floats
/// also inf and nan (nan:0x200000 with a payload), vectors 0x and up to 32 digits. Fails if the module
/// exports no such function, on a wrong count, and on a word that is not of its parameter's type. A module
/// that cannot be decoded is left to the kernel.
Result<std::vector<std::string>> make_operands(std::span<const std::byte> module, const std::string& file,
                                               const std::string& function,
                                               std::span<const std::string> words);

/// nullopt: not of the type.
std::optional<std::string> make_operand(const wasm::ValType& type, const std::string& word);

/// A line of the kernel, TYPE:BITS, as a word that make_operands would take.
std::string format_result(std::string_view line);

}  // namespace nebulet::tool
