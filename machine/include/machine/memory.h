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
/// The same, for memory that other reservations can show.
std::byte* reserve_shareable(std::uint64_t size);
/// Gives back a whole reservation with all that was committed in it. No other CPU may be using it.
void release(std::byte* base, std::uint64_t size);

/// Backs pages with zeroed memory. Pages that have memory keep it and get the protection. How many bytes had
/// none. nullopt: out of memory, nothing more than a prefix was committed. May be called in on_fault.
std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection);
/// How other pages show memory: with writing, or so that a write gives a page memory of its own. For that the
/// write may fault; `commit` then does it, and does not count the page as one that had no memory.
enum class Sharing : std::uint8_t { read, read_write, copy };
/// Lets the pages from `at` on, which have no memory, show those of [of, of + size), which are committed in a
/// shareable reservation and stay so until `at` is decommitted or released. False: out of memory; a part may
/// be shown.
bool show(std::byte* at, const std::byte* of, std::uint64_t size, Sharing sharing);
/// Takes the memory away again, or what is shown; the pages become inaccessible. How many bytes had memory,
/// or might have got it (Sharing::copy).
std::uint64_t decommit(std::byte* at, std::uint64_t size);
void protect(std::byte* at, std::uint64_t size, Protection protection);
/// Copies `bytes` to committed pages whatever their protection is (code is written through another mapping:
/// W^X).
void write_protected(std::byte* to, std::span<const std::byte> bytes);

/// Bytes of physical memory that are free (hosted: left of the limit).
std::uint64_t free_memory();
/// The least that was, since the machine started.
std::uint64_t least_free_memory();

}  // namespace nebulet::machine
