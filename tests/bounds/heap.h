// SPDX-License-Identifier: MIT
// What operator new has given out and not got back, in this process.
#pragma once

#include <cstddef>

namespace nebulet::bounds {

std::size_t heap_bytes();
/// The most since `reset_peak`.
std::size_t peak_heap_bytes();
void reset_peak();

}  // namespace nebulet::bounds
