// SPDX-License-Identifier: MIT
// For WASI programs that hand out the machine's devices: what `./nebulet run --devices` gave them.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

/// The root of all resources, or 0. It is the last word of the start-up block (process_startup).
inline nb_handle_t root_resource() {
  std::vector<char> block(static_cast<std::size_t>(nb_process_startup(nullptr, 0)));
  nb_process_startup(block.data(), block.size());
  nb_handle_t root = 0;
  if (block.size() >= sizeof root) std::memcpy(&root, block.data() + block.size() - sizeof root, sizeof root);
  return root;
}

}  // namespace nebulet::sdk
