// SPDX-License-Identifier: MIT
// A module that makes the kernel calls which its memory lists, for fuzz_calls.
#pragma once

#include <cstdint>
#include <vector>

namespace nebulet::fuzz {

/// What the module's memory holds where. A record is one call; it is made by the function of the same number.
namespace call_memory {
struct Record {
  std::uint32_t call;
  std::uint32_t result;     ///< address for the low half of the result
  std::uint64_t words[14];  ///< a handle: the address where it is found
};
static_assert(sizeof(Record) == 120);
/// Regions begin with the number of their records; in that at kMain, how often they are run follows.
constexpr std::uint32_t kPages = 8;
constexpr std::uint32_t kNames = 0x100, kModule = 0x200, kHandles = 0x400, kHandleCount = 256;
constexpr std::uint32_t kMain = 0x1000, kMainRecords = 500;
constexpr std::uint32_t kServed = 0x10000, kThread = 0x11000, kChild = 0x12000, kPartRecords = 30;
constexpr std::uint32_t kChildRuns = 0x14000, kChildSize = 8 + kPartRecords * sizeof(Record);
constexpr std::uint32_t kData = 0x20000, kDataSize = 0x40000;
}  // namespace call_memory

/// Exports: `main` runs the records at kMain, `child` copies the startup block to kChildRuns and runs it,
/// `wasi_thread_start` runs those at kThread. Function 0 of its table runs those at kServed for a door.
std::vector<std::uint8_t> make_call_module();

}  // namespace nebulet::fuzz
