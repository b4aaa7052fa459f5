// SPDX-License-Identifier: MIT
// Whether bytes are well-formed UTF-8, as WASI's strings must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nebulet::wasi {

/// The Unicode Standard, table 3-7: only the second byte's range depends on the first byte.
constexpr bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<std::uint8_t>(text[at]) : std::uint8_t{0};
    };
    const std::uint8_t first = byte(i++);
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;
    const unsigned more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(i) < low || byte(i) > high) return false;
    for (unsigned j = 1; j < more; j++)
      if ((byte(i + j) & 0xc0) != 0x80) return false;
    i += more;
  }
  return true;
}

}  // namespace nebulet::wasi
