// SPDX-License-Identifier: MIT
// Clocks, the timer of a CPU, randomness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nebulet::machine {

/// Nanoseconds since an arbitrary start; never goes back, the same on all CPUs.
std::uint64_t monotonic_ns();
/// Nanoseconds since 1970-01-01 UTC.
std::uint64_t realtime_ns();
/// Arms this CPU's timer for the monotonic time `deadline_ns` (past: at once). One deadline; a later call
/// replaces it.
void set_timer(std::uint64_t deadline_ns);

/// Fills `bytes` with random bytes from the best source the machine has. False if it has none.
bool random_bytes(std::span<std::byte> bytes);

}  // namespace nebulet::machine
