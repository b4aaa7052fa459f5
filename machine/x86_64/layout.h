// SPDX-License-Identifier: MIT
// The 48-bit address space of the bare kernel: who owns which part. The lowest 4 GiB are never mapped once
// the kernel runs, so that null pointers and small offsets from them fault.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::machine {

// Below: wasm memories, in slots of 8 GiB; 16,382 of them.
constexpr std::uint64_t kReserveLow = 0x0000'0002'0000'0000;  ///< reservations above 1 GiB
constexpr std::uint64_t kReserveLowEnd = 0x0000'8000'0000'0000 - 0x2'0000'0000;
constexpr std::uint64_t kDirectMap = 0xffff'8000'0000'0000;  ///< all physical memory, at most 8 TiB
constexpr std::uint64_t kDirectMapSize = 0x0800'0000'0000;
/// Registers that drivers outside of the kernel use, at their physical address above this.
constexpr std::uint64_t kRegisters = 0xffff'8800'0000'0000;
constexpr std::uint64_t kRegistersSize = 0x0800'0000'0000;
/// From here up reservations of at most 1 GiB (stacks, code, heap blocks), from the end down the larger ones
/// for which there is no room below: 14,080 slots, less what the small ones take.
constexpr std::uint64_t kReserveHigh = 0xffff'9000'0000'0000;
constexpr std::uint64_t kReserveHighEnd = 0xffff'fe00'0000'0000;
constexpr std::uint64_t kDevices = 0xffff'ff00'0000'0000;  ///< registers of devices
constexpr std::uint64_t kDevicesEnd = 0xffff'ff80'0000'0000;
constexpr std::uint64_t kKernelBase =
    0xffff'ffff'8000'0000;  ///< the image, at its physical address above this

using PhysicalAddress = std::uint64_t;

/// Where the direct map shows physical memory. Only for memory of the boot protocol's map, not for devices.
inline std::byte* direct(PhysicalAddress at) { return reinterpret_cast<std::byte*>(kDirectMap + at); }
inline PhysicalAddress direct_to_physical(const void* at) {
  return reinterpret_cast<std::uint64_t>(at) - kDirectMap;
}

extern "C" {
// Of link.ld.
extern std::byte image_start[], text_end[], rodata_end[], image_end[];
}

}  // namespace nebulet::machine
