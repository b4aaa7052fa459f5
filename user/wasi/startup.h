// SPDX-License-Identifier: MIT
// What the process was started with: handles, arguments, environment and the names of the preopened
// directories.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::wasi {

/// The parsed start-up block of the process. It is read once, by the first call that wants it; the strings
/// point into the block, which lives as long as the library.
struct Startup {
  nb_handle_t console = 0;
  nb_handle_t files = 0;  // 0: no file server
  std::vector<std::string_view> arguments;
  std::vector<std::string_view> environment;
  /// A directory, by the name under which the file server exports it, or in memory.
  struct Preopen {
    std::string_view name;
    std::uint64_t memory_quota = 0;  // bytes; 0: it is the file server's
  };
  std::vector<Preopen> preopens;
  std::uint32_t terminals = 0;  // bits 0, 1, 2: input, output, errors go to a terminal

  static const Startup& get();
  /// Reads `block`; a malformed rest is left out.
  static Startup parse(std::span<const char> block);
};

}  // namespace nebulet::wasi
