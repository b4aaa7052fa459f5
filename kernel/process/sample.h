// SPDX-License-Identifier: MIT
// The profiler: what the running thread was doing when the timer came.
#pragma once

#include <cstdint>

namespace nebulet::kernel {

/// Records a sample if one is due and a thread runs. In the timer's interrupt handler; `pc` and `sp` as
/// machine::Interrupted has them.
void take_sample(std::uint64_t pc, std::uint64_t sp);

}  // namespace nebulet::kernel
