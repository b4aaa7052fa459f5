// SPDX-License-Identifier: MIT
// The names of the kernel's functions, for backtraces: a table that tools/symbols.py makes of the first
// link's result.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nebulet::machine {

struct Symbol {
  std::string_view name;
  std::uint64_t offset;
};
/// The function that holds `pc`.
std::optional<Symbol> find_symbol(std::uint64_t pc);

}  // namespace nebulet::machine
