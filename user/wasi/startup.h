// SPDX-License-Identifier: MIT
// What the process was started with: handles, arguments, environment and the names of the preopened
// directories.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::wasi {

/// The parsed start-up block of the process. It is read once, by the first call that wants it; the strings
/// point into the block, which lives as long as the library.
struct Startup {
  std::array<nb_handle_t, 3> standard = {};  // input, output, errors; 0: closed
  std::vector<std::string_view> arguments;
  std::vector<std::string_view> environment;
  /// A directory of a file server, by the name under which it exports it, or in the library's memory.
  struct Preopen {
    std::string_view name;
    nb_handle_t server = 0;
    std::string_view attach_name = {};
    std::uint64_t memory_quota = 0;  // bytes; 0: it is the file server's
  };
  std::vector<Preopen> preopens;
  std::uint32_t terminals = 0;  // bits 0, 1, 2: input, output, errors go to a terminal

  static const Startup& get();
  /// Reads `block`; a malformed rest is left out.
  static Startup parse(std::span<const char> block);
};

}  // namespace nebulet::wasi
