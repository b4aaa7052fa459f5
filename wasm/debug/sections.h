// SPDX-License-Identifier: MIT
// The custom sections of a module that hold DWARF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nebulet::wasm::debug {

struct Sections {
  std::span<const std::byte> line, str, line_str, info, abbrev, ranges, rnglists, str_offsets, addr;
  std::uint32_t code = 0;  ///< where the code section's content begins: DWARF counts from there
};
Sections find_sections(std::span<const std::byte> module);

}  // namespace nebulet::wasm::debug
