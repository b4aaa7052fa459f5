// SPDX-License-Identifier: MIT
// What the boot loader told, PVH or multiboot2, copied to the image's own memory and sorted, so that nothing
// the loader left needs to be kept but the modules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "machine/x86_64/layout.h"

namespace nebulet::machine {

struct PhysicalRange {
  PhysicalAddress start = 0;
  PhysicalAddress end = 0;
};

struct LoadedModule {
  PhysicalRange range;
  std::string_view name;
};

struct BootFacts {
  std::string_view command_line;
  std::string_view loader;                ///< "PVH" or "multiboot2"
  std::span<const PhysicalRange> memory;  ///< usable, page-aligned, ascending, disjoint
  std::span<const LoadedModule> modules;
  PhysicalAddress rsdp = 0;  ///< 0: the loader did not say
};

/// Requires the first 4 GiB in the direct map. `magic` and `info` are eax and ebx at the entry. An empty
/// memory map means that the image was started by nobody that it knows.
const BootFacts& read_boot_protocol(std::uint32_t magic, PhysicalAddress info);

}  // namespace nebulet::machine
