// SPDX-License-Identifier: MIT
// Physical memory in blocks of 2^order pages (buddy system). Memory that was never handed out is not touched:
// the allocator takes it in regions of 4 MiB when its lists run dry, so booting costs the same with any
// amount of it.
#pragma once

#include <cstdint>
#include <span>

#include "machine/x86_64/boot_protocol.h"
#include "machine/x86_64/layout.h"

namespace nebulet::machine {

constexpr std::uint32_t kMaxOrder = 10;
constexpr PhysicalAddress kNoFrame = ~0ull;

/// Once, before anything else here. `memory` is usable except for `taken`; it must stay.
void initialize_frames(std::span<const PhysicalRange> memory, std::span<const PhysicalRange> taken);

/// 2^order contiguous pages, aligned to their size; contents are what they were. kNoFrame: none left.
PhysicalAddress allocate_frames(std::uint32_t order);
/// The block and the order it was allocated with (or parts of it, each a block of its own).
void free_frames(PhysicalAddress at, std::uint32_t order);
/// One page of zeros.
PhysicalAddress allocate_zeroed_frame();
inline void free_frame(PhysicalAddress at) { free_frames(at, 0); }

/// A byte for the owner of an allocated block, kept at its first page.
std::uint8_t frame_note(PhysicalAddress at);
void set_frame_note(PhysicalAddress at, std::uint8_t note);

/// Whether any byte of the range is usable memory, handed out or not.
bool is_memory(PhysicalAddress begin, PhysicalAddress end);
std::uint64_t usable_bytes();
std::uint64_t free_bytes();
std::uint64_t least_free_bytes();
/// End of the highest usable memory.
PhysicalAddress memory_end();

}  // namespace nebulet::machine
