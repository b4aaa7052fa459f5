// SPDX-License-Identifier: MIT
// The kernel's calls by name, as host functions for the loader.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/trace/trace.h"
#include "wasm/binary/types.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

struct CallEntry {
  std::uint16_t number;
  std::string_view name;
  wasm::HostCode plain_code, traced_code;
  wasm::FuncType (*type)();

  /// Its owner argument is a CallBinding.
  wasm::HostCode code() const { return trace::is_observing() ? traced_code : plain_code; }
};

/// nullptr: the kernel has no such call.
const CallEntry* find_call(std::string_view name);

}  // namespace nebulet::kernel
