// SPDX-License-Identifier: MIT
// Which functions the producer inlined where, from DW_TAG_inlined_subroutine in .debug_info.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wasm/debug/sections.h"

namespace nebulet::wasm::debug {

/// For each of the sorted addresses (offsets in the code section) the chain of inlined functions, as in
/// SourceLine.
std::vector<std::string> find_inlined(const Sections& sections, std::span<const std::uint64_t> addresses);

}  // namespace nebulet::wasm::debug
