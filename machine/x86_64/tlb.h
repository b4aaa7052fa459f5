// SPDX-License-Identifier: MIT
// Taking translations away on all CPUs. Adding one needs nothing: a CPU that faults on an old "not present"
// tries again.
#pragma once

#include <cstdint>

namespace nebulet::machine {

/// This CPU is online: from here on it is asked. Drops everything that it remembers.
void join_tlb_requests();
/// Drops what all CPUs remember of [at, at + size). Returns when none of them does. Not with a SpinLock held.
void flush_tlb(std::uint64_t at, std::uint64_t size);
/// Does what another CPU asks of this one: in the handler of its interrupt, and wherever a CPU waits with
/// interrupts off.
void answer_tlb_request();

}  // namespace nebulet::machine
