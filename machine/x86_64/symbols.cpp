// SPDX-License-Identifier: MIT
#include "machine/x86_64/symbols.h"

#include "machine/x86_64/layout.h"

extern "C" {
// symbols.S of the build: offsets from image_start, ascending; then where each name begins, with one entry
// more.
extern const std::uint32_t symbol_count;
extern const std::uint32_t symbol_offsets[];
extern const std::uint32_t symbol_names[];
extern const char symbol_text[];
}

namespace nebulet::machine {

std::optional<Symbol> find_symbol(std::uint64_t pc) {
  const auto start = reinterpret_cast<std::uint64_t>(image_start);
  if (pc < start || pc >= reinterpret_cast<std::uint64_t>(text_end) || symbol_count == 0) return std::nullopt;
  const auto offset = static_cast<std::uint32_t>(pc - start);
  std::uint32_t low = 0, high = symbol_count;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (symbol_offsets[middle] <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return std::nullopt;
  const std::uint32_t begin = symbol_names[low - 1];
  return Symbol{{symbol_text + begin, symbol_names[low] - begin}, offset - symbol_offsets[low - 1]};
}

}  // namespace nebulet::machine
