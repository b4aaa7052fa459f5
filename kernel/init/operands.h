// SPDX-License-Identifier: MIT
// Values as words: the operands and results of an invoked function travel between the kernel and the host's
// tool as TYPE:BITS, for example f64:3ff8000000000000, so that the kernel neither reads nor prints decimal
// fractions.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "wasm/binary/types.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

/// The error says which operand is wrong and what was wanted.
std::expected<std::vector<wasm::Value>, std::string> read_operands(const wasm::FuncType& type,
                                                                   std::span<const std::string> words);
/// One line for each result; of a reference only whether it is null.
std::string write_results(const wasm::FuncType& type, std::span<const wasm::Value> values);

}  // namespace nebulet::kernel
