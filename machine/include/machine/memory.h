// SPDX-License-Identifier: MIT
// Address space and physical memory. Reserving takes addresses only; committing takes memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace nebulet::machine {

constexpr std::size_t kPageSize = 4096;
enum class Protection : std::uint8_t { none, read, read_write, execute /* and read */ };

/// Takes `size` bytes of address space aligned to `align` (powers of two, at least a page), inaccessible.
/// nullptr: none left.
std::byte* reserve(std::uint64_t size, std::uint64_t align);
/// Gives back a whole reservation with all that was committed in it. No other CPU may be using it.
void release(std::byte* base, std::uint64_t size);

/// Backs pages with zeroed memory. Pages that have memory keep it and get the protection. How many bytes had
/// none. nullopt: out of memory, nothing more than a prefix was committed. May be called in on_fault.
std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection);
/// Takes the memory away again; the pages become inaccessible.
void decommit(std::byte* at, std::uint64_t size);
void protect(std::byte* at, std::uint64_t size, Protection protection);
/// Copies `bytes` to committed pages whatever their protection is (code is written through another mapping:
/// W^X).
void write_protected(std::byte* to, std::span<const std::byte> bytes);

/// Bytes of physical memory that are free (hosted: left of the limit).
std::uint64_t free_memory();

}  // namespace nebulet::machine
