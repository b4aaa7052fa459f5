// SPDX-License-Identifier: MIT
// What the machine found when it started and hands to the kernel's entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nebulet::machine {

struct BootModule {
  std::string_view name;             ///< of the boot loader, may be empty
  std::span<const std::byte> bytes;  ///< stays mapped, read-only
};

struct BootInfo {
  std::string_view command_line;
  std::span<const BootModule> modules;
  std::uint64_t memory_bytes = 0;  ///< usable physical memory (hosted: the limit it was given)
  std::uint32_t cpus = 1;
};

}  // namespace nebulet::machine
