// SPDX-License-Identifier: MIT
// Names for generated code, for a profiler that runs outside of the kernel.
#pragma once

#include <cstdint>
#include <string_view>

namespace nebulet::machine {

/// Whether a profiler wants names; if not, nothing need be said to it.
bool is_profiled();
/// `size` bytes of code at `begin` are the function `name`.
void name_code(std::uint64_t begin, std::uint64_t size, std::string_view name);

}  // namespace nebulet::machine
