// SPDX-License-Identifier: MIT
// For WASI programs that hand out the machine's devices: what `./nebulet run --devices` gave them.
#pragma once

#include <array>

#include "abi/sdk/nebulet.h"

namespace nebulet::sdk {

/// The root of all resources, or 0. It is the third word of the start-up block (process_startup).
inline nb_handle_t root_resource() {
  std::array<nb_handle_t, 3> words = {};
  nb_process_startup(words.data(), sizeof words);
  return words[2];
}

}  // namespace nebulet::sdk
