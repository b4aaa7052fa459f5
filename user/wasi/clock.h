// SPDX-License-Identifier: MIT
// Reads the kernel's clocks by their WASI numbers.
#pragma once

#include "user/wasi/types.h"

namespace nebulet::wasi {

/// Nanoseconds on the clock; `inval` for an unknown one.
Result<std::uint64_t> read_clock(std::uint32_t id);

}  // namespace nebulet::wasi
