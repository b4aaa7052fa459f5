// SPDX-License-Identifier: MIT
#include "wasm/debug/sections.h"

#include <string_view>
#include <utility>

#include "wasm/debug/cursor.h"

namespace nebulet::wasm::debug {

Sections find_sections(std::span<const std::byte> module) {
  constexpr std::uint8_t kCustom = 0, kCode = 10;
  constexpr std::pair<std::string_view, std::span<const std::byte> Sections::*> kNames[] = {
      {".debug_line", &Sections::line},         {".debug_str", &Sections::str},
      {".debug_line_str", &Sections::line_str}, {".debug_info", &Sections::info},
      {".debug_abbrev", &Sections::abbrev},     {".debug_ranges", &Sections::ranges},
      {".debug_rnglists", &Sections::rnglists}, {".debug_str_offsets", &Sections::str_offsets},
      {".debug_addr", &Sections::addr}};
  Sections found;
  Cursor at(module);
  at.skip(8);
  while (!at.at_end()) {
    const std::uint8_t id = at.u8();
    const std::uint64_t size = at.uleb();
    const std::size_t begin = at.position();
    Cursor content = at.part(size);
    if (!at.ok()) break;
    if (id == kCode) found.code = static_cast<std::uint32_t>(begin);
    if (id != kCustom) continue;
    const std::uint64_t length = content.uleb();
    if (!content.ok() || length > content.left()) continue;
    const auto* text = reinterpret_cast<const char*>(module.data()) + begin + content.position();
    const std::string_view name(text, static_cast<std::size_t>(length));
    content.skip(length);
    for (const auto& [known, member] : kNames)
      if (name == known) found.*member = module.subspan(begin + content.position(), content.left());
  }
  return found;
}

}  // namespace nebulet::wasm::debug
