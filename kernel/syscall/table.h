// SPDX-License-Identifier: MIT
// The kernel's calls by name, as host functions for the loader.
#pragma once

#include <cstdint>
#include <string_view>

#include "wasm/binary/types.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

struct CallEntry {
  std::uint16_t number;
  std::string_view name;
  wasm::HostCode code;  ///< its owner argument is a CallBinding
  wasm::FuncType (*type)();
};

/// nullptr: the kernel has no such call.
const CallEntry* find_call(std::string_view name);

}  // namespace nebulet::kernel
