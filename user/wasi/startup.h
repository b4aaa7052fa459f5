// SPDX-License-Identifier: MIT
// What the process was started with, as the library wants it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/sdk/given.h"

namespace nebulet::wasi {

/// It is read once, by the first call that wants it.
struct Startup {
  /// A directory of a file server, by the name under which it exports it, or in the library's memory.
  struct Preopen {
    std::string name;
    nb_handle_t server = 0;
    std::string attach_name = {};
    std::uint64_t memory_quota = 0;  // bytes; 0: it is the file server's
  };

  sdk::Given given;
  std::vector<Preopen> preopens;

  static const Startup& get();
};

}  // namespace nebulet::wasi
