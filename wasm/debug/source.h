// SPDX-License-Identifier: MIT
// Source lines of wasm instructions, from the DWARF in a module's custom sections. The module is not trusted
// and DWARF is not validated with it: what is malformed has no lines. Nothing is prepared ahead of time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace nebulet::wasm::debug {

struct SourceLine {
  std::string file;  ///< at most 256 characters; empty: not known
  std::uint32_t line = 0;
  /// Functions that the producer inlined there, the innermost first: "a, inlined into b"; empty for most
  /// code.
  std::string inlined;
};

/// Fills `lines` for the instructions at `offsets` in the module; both have the same size. One pass over
/// .debug_line (DWARF 2 to 5): time is linear in its size times the logarithm of the number of offsets.
void find_source_lines(std::span<const std::byte> module, std::span<const std::uint32_t> offsets,
                       std::span<SourceLine> lines);

}  // namespace nebulet::wasm::debug
