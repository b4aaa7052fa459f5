// SPDX-License-Identifier: MIT
// The clock behind machine/time.h: the time-stamp counter, measured against whatever timer the machine has.
#pragma once

#include <cstdint>

namespace nebulet::machine {

/// Finds the counter's frequency. Takes about 2 ms where the processor does not tell it.
void initialize_clock();
std::uint64_t tsc_frequency();
/// What the frequency was taken from, for the log.
const char* clock_reference();

}  // namespace nebulet::machine
