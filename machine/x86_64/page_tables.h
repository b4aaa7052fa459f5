// SPDX-License-Identifier: MIT
// The one set of page tables. A page of memory keeps its frame while it is inaccessible, so "has memory" and
// "may be accessed" are separate bits. No page is ever writable and executable.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/include/machine/memory.h"
#include "machine/x86_64/layout.h"

namespace nebulet::machine {

/// Builds the tables: the direct map of all memory, the image with the rights of its parts. Leaves the
/// loader's tables.
void initialize_page_tables();

/// Maps 4 KiB pages of a device, uncached, for ever.
volatile std::byte* map_device(PhysicalAddress at, std::uint64_t size);
/// Maps the page of a register at kRegisters + its physical address, uncached, for ever. False: no memory for
/// the tables.
bool map_register(PhysicalAddress at);
/// One page at its own physical address, executable; for the start-up code of CPUs only. Undone by
/// unmap_identity.
void map_identity(PhysicalAddress page);
void unmap_identity(PhysicalAddress page);

/// See machine/memory.h. Ranges are page-aligned.
std::optional<std::uint64_t> map_memory(std::uint64_t at, std::uint64_t size, Protection protection);
void set_protection(std::uint64_t at, std::uint64_t size, Protection protection);
bool show_memory(std::uint64_t at, std::uint64_t of, std::uint64_t size, Sharing sharing);
/// Frees the frames that the range owns and tells how many bytes it had, with those it was to copy; with
/// `tables` also the page tables that lie in the range as a whole.
enum class Tables : std::uint8_t { keep, free };
std::uint64_t unmap_memory(std::uint64_t at, std::uint64_t size, Tables tables);
/// Where the frame of a page of memory is; kNoFrame: none.
PhysicalAddress physical_of(std::uint64_t at);

/// Whether a read of the byte at `at` would succeed. Takes no lock.
bool is_readable(std::uint64_t at);
/// The value of CR3, for CPUs that start.
PhysicalAddress page_table_root();

/// Walks all tables and counts the entries that break the rules: pages that are writable and executable,
/// entries that are not present and yet neither zero nor of a page that keeps its frame, pages that show a
/// frame and own it.
std::uint64_t audit_page_tables();
/// How many pages of [at, at + size) have an entry that is not zero.
std::uint64_t count_entries(std::uint64_t at, std::uint64_t size);

}  // namespace nebulet::machine
