// SPDX-License-Identifier: MIT
#include "machine/x86_64/page_tables.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/spin_lock.h"
#include "machine/x86_64/tlb.h"

namespace nebulet::machine {
namespace {

using Entry = std::uint64_t;
constexpr Entry kPresent = 1, kWritable = 2, kWriteThrough = 8, kUncached = 16, kLarge = 128;
constexpr Entry kHasFrame = 1 << 9;  // ours: the address is a frame that this entry owns, present or not
constexpr Entry kShows = 1 << 10;    // ours: the address is a frame that another entry owns
constexpr Entry kCopies = 1 << 11;   // with kShows: committing makes a copy
constexpr Entry kNoExecute = Entry{1} << 63;
constexpr Entry kAddress = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t kPage = 4096, kEntries = 512;
constexpr std::uint64_t kTableSpan = kPage * kEntries;           // of a lowest table
constexpr std::uint64_t kDirectorySpan = kTableSpan * kEntries;  // of a page directory

SpinLock g_lock;
Entry* g_root = nullptr;
std::uint64_t g_next_device = kDevices;

Entry* table_of(Entry entry) { return reinterpret_cast<Entry*>(direct(entry & kAddress)); }
std::uint64_t index_of(std::uint64_t at, std::uint32_t level) {
  return at >> (12 + 9 * level) & (kEntries - 1);
}
std::uint64_t span_of(std::uint32_t level) { return kPage << (9 * level); }

/// The entry for `at` in the table of `level` (0: the lowest). Makes the tables above it. nullptr: out of
/// memory.
Entry* make_entry(std::uint64_t at, std::uint32_t level) {
  Entry* table = g_root;
  for (std::uint32_t l = 3; l > level; --l) {
    Entry& entry = table[index_of(at, l)];
    if (!(entry & kPresent)) {
      const PhysicalAddress frame = allocate_zeroed_frame();
      if (frame == kNoFrame) return nullptr;
      entry = frame | kPresent | kWritable;
    }
    NB_DEBUG_ASSERT(!(entry & kLarge));
    table = table_of(entry);
  }
  return &table[index_of(at, level)];
}

/// The lowest table that covers `at`, or nullptr and in `next` the first address that another table may
/// cover.
Entry* find_table(std::uint64_t at, std::uint64_t& next) {
  Entry* table = g_root;
  for (std::uint32_t level = 3; level > 0; --level) {
    const Entry entry = table[index_of(at, level)];
    if (!(entry & kPresent) || (entry & kLarge)) {
      next = (at & ~(span_of(level) - 1)) + span_of(level);
      return nullptr;
    }
    table = table_of(entry);
  }
  next = (at & ~(kTableSpan - 1)) + kTableSpan;
  return table;
}

Entry rights_of(Protection protection) {
  switch (protection) {
    case Protection::none: return kNoExecute;
    case Protection::read: return kPresent | kNoExecute;
    case Protection::read_write: return kPresent | kWritable | kNoExecute;
    case Protection::execute: return kPresent;
  }
  NB_ASSERT(false);
  return 0;
}
constexpr Entry kRights = kPresent | kWritable | kNoExecute;

/// Whether a CPU may remember something of `before` that `after` forbids.
bool takes_away(Entry before, Entry after) {
  if (!(before & kPresent)) return false;
  return !(after & kPresent) || (before & ~after & kWritable) || (~before & after & kNoExecute);
}

/// Calls visit(entries, count) with the entries of each lowest table that covers a part of [at, end).
template <class Visit>
void for_each_run(std::uint64_t at, std::uint64_t end, Visit visit) {
  while (at < end) {
    std::uint64_t next;
    Entry* table = find_table(at, next);
    const std::uint64_t stop =
        std::min(next - 1, end - 1) + 1;  // `next` is 0 at the end of the address space
    if (table) visit(table + index_of(at, 0), (stop - at) / kPage);
    if (stop == 0) return;
    at = stop;
  }
}

void map_large(std::uint64_t at, PhysicalAddress to, std::uint32_t level, Entry flags) {
  Entry* entry = make_entry(at, level);
  NB_ASSERT(entry);
  *entry = to | flags | (level ? kLarge : 0);
}

Entry image_rights(PhysicalAddress at) {
  const std::uint64_t virtual_at = kKernelBase + at;
  if (virtual_at < reinterpret_cast<std::uint64_t>(text_end)) return kPresent;
  if (virtual_at < reinterpret_cast<std::uint64_t>(rodata_end)) return kPresent | kNoExecute;
  return kPresent | kWritable | kNoExecute;
}

void map_all_memory() {
  const bool gigabyte_pages = cpuid(0x80000000).eax >= 0x80000001 && (cpuid(0x80000001).edx & 1 << 26);
  const PhysicalAddress image_low = reinterpret_cast<std::uint64_t>(image_start) - kKernelBase;
  const PhysicalAddress image_high = reinterpret_cast<std::uint64_t>(image_end) - kKernelBase;
  // The direct map up to the end of memory, and at least the 4 GiB in which firmware tables may lie.
  const PhysicalAddress end = std::max<PhysicalAddress>(memory_end(), 4ull << 30);
  for (PhysicalAddress at = 0; at < end;) {
    if (at < image_high && at + kTableSpan > image_low) {
      // Small pages, so that the image's text and constants are read-only here too.
      for (PhysicalAddress page = at; page < at + kTableSpan; page += kPage) {
        const bool image = page >= image_low && page < image_high;
        map_large(kDirectMap + page, page, 0,
                  image ? image_rights(page) | kNoExecute : kPresent | kWritable | kNoExecute);
      }
      at += kTableSpan;
    } else if (gigabyte_pages && at % kDirectorySpan == 0 &&
               (at >= image_high || at + kDirectorySpan <= image_low)) {
      map_large(kDirectMap + at, at, 2, kPresent | kWritable | kNoExecute);
      at += kDirectorySpan;
    } else {
      map_large(kDirectMap + at, at, 1, kPresent | kWritable | kNoExecute);
      at += kTableSpan;
    }
  }
  for (PhysicalAddress at = image_low; at < image_high; at += kPage)
    map_large(kKernelBase + at, at, 0, image_rights(at));
}

}  // namespace

void initialize_page_tables() {
  const PhysicalAddress root = allocate_zeroed_frame();
  NB_ASSERT(root != kNoFrame);
  g_root = reinterpret_cast<Entry*>(direct(root));
  map_all_memory();
  write_cr3(root);
}

PhysicalAddress page_table_root() { return direct_to_physical(g_root); }

volatile std::byte* map_device(PhysicalAddress at, std::uint64_t size) {
  SpinGuard guard(g_lock);
  const PhysicalAddress first = at & ~(kPage - 1);
  const std::uint64_t base = g_next_device;
  for (PhysicalAddress page = first; page < at + size; page += kPage, g_next_device += kPage) {
    NB_ASSERT(g_next_device < kDevicesEnd);
    map_large(g_next_device, page, 0, kPresent | kWritable | kNoExecute | kUncached | kWriteThrough);
  }
  return reinterpret_cast<volatile std::byte*>(base + (at - first));
}

bool map_register(PhysicalAddress at) {
  const SpinGuard guard(g_lock);
  const PhysicalAddress page = at & ~(kPage - 1);
  Entry* entry = make_entry(kRegisters + page, 0);
  if (entry == nullptr) return false;
  *entry = page | kPresent | kWritable | kNoExecute | kUncached | kWriteThrough;
  return true;
}

void map_identity(PhysicalAddress page) {
  SpinGuard guard(g_lock);
  map_large(page, page, 0, kPresent);
}
void unmap_identity(PhysicalAddress page) {
  {
    SpinGuard guard(g_lock);
    map_large(page, 0, 0, 0);
  }
  flush_tlb(page, kPage);
}

std::optional<std::uint64_t> map_memory(std::uint64_t at, std::uint64_t size, Protection protection) {
  const Entry rights = rights_of(protection);
  bool flush = false, complete = true;
  const std::uint64_t begin = at, end = at + size;
  std::uint64_t fresh = 0;
  {
    SpinGuard guard(g_lock);
    while (at < end && complete) {
      Entry* entry = make_entry(at, 0);
      complete = entry != nullptr;
      const std::uint64_t stop = std::min((at & ~(kTableSpan - 1)) + kTableSpan, end);
      for (; complete && at < stop; at += kPage, ++entry) {
        if (*entry & kHasFrame) {
          const Entry after = (*entry & ~kRights) | rights;
          flush |= takes_away(*entry, after);
          *entry = after;
          continue;
        }
        const bool copies = *entry & kCopies;
        NB_ASSERT(copies || !(*entry & kShows));
        const PhysicalAddress frame = copies ? allocate_frames(0) : allocate_zeroed_frame();
        complete = frame != kNoFrame;
        if (!complete) break;
        if (copies) {
          std::memcpy(direct(frame), direct(*entry & kAddress), kPage);
          *entry = frame | kHasFrame | rights;
          flush = true;  // processors may read the old frame
          continue;
        }
        *entry = frame | kHasFrame | rights;
        fresh += kPage;
      }
    }
  }
  if (flush) flush_tlb(begin, size);
  return complete ? std::optional(fresh) : std::nullopt;
}

bool show_memory(std::uint64_t at, std::uint64_t of, std::uint64_t size, Sharing sharing) {
  const Entry flags = kShows | kPresent | kNoExecute | (sharing == Sharing::read_write ? kWritable : 0) |
                      (sharing == Sharing::copy ? kCopies : 0);
  const SpinGuard guard(g_lock);
  for (std::uint64_t offset = 0; offset < size; offset += kPage) {
    std::uint64_t next;
    const Entry* table = find_table(of + offset, next);
    NB_ASSERT(table);
    const Entry source = table[index_of(of + offset, 0)];
    Entry* entry = make_entry(at + offset, 0);
    if (entry == nullptr) return false;
    NB_ASSERT((source & kHasFrame) && *entry == 0);
    *entry = (source & kAddress) | flags;
  }
  return true;
}

void set_protection(std::uint64_t at, std::uint64_t size, Protection protection) {
  const Entry rights = rights_of(protection);
  bool flush = false;
  {
    SpinGuard guard(g_lock);
    for_each_run(at, at + size, [&](Entry* entries, std::uint64_t count) {
      for (Entry* entry = entries; entry < entries + count; ++entry) {
        if (!(*entry & kHasFrame)) continue;
        const Entry after = (*entry & ~kRights) | rights;
        flush |= takes_away(*entry, after);
        *entry = after;
      }
    });
  }
  if (flush) flush_tlb(at, size);
}

namespace {

/// Entries taken out of the tables, whose frames may be reused only after the flush: chained through the
/// frames themselves, which nobody can reach but by the old translations of the range that is being given up.
struct Removed {
  PhysicalAddress first = kNoFrame;
  void add(PhysicalAddress frame) {
    std::memcpy(direct(frame), &first, sizeof first);
    first = frame;
  }
  void free_all() {
    while (first != kNoFrame) {
      const PhysicalAddress frame = first;
      std::memcpy(&first, direct(frame), sizeof first);
      free_frame(frame);
    }
  }
};

/// Takes the whole tables of `level` inside [at, end) out of the directory above.
void remove_tables(std::uint64_t at, std::uint64_t end, std::uint32_t level, Removed& removed) {
  const std::uint64_t span = span_of(level);
  at = (at + span - 1) & ~(span - 1);
  while (at < end && end - at >= span) {
    Entry* table = g_root;
    std::uint32_t l = 3;
    for (; l > level; --l) {
      const Entry entry = table[index_of(at, l)];
      if (!(entry & kPresent)) break;
      table = table_of(entry);
    }
    if (l == level) {
      Entry& entry = table[index_of(at, level)];
      if (entry & kPresent) removed.add(entry & kAddress);
      entry = 0;
      at += span;
    } else {
      at = (at & ~(span_of(l) - 1)) + span_of(l);
    }
  }
}

}  // namespace

std::uint64_t unmap_memory(std::uint64_t at, std::uint64_t size, Tables tables) {
  // Frames are chained through their first bytes, so a page that another CPU still writes may not be among
  // them: the flush comes first, with the entries cleared but for the frame.
  bool flush = false;
  std::uint64_t taken = 0;
  const std::uint64_t end = at + size;
  {
    SpinGuard guard(g_lock);
    for_each_run(at, end, [&](Entry* entries, std::uint64_t count) {
      for (Entry* entry = entries; entry < entries + count; ++entry) {
        if (*entry & kShows) {
          taken += (*entry & kCopies) ? kPage : 0;
          *entry = 0;
          flush = true;
        }
        if (!(*entry & kHasFrame)) continue;
        flush |= (*entry & kPresent) != 0;
        *entry &= ~kPresent;
      }
    });
  }
  if (flush) flush_tlb(at, size);
  Removed frames, table_frames;
  {
    SpinGuard guard(g_lock);
    for_each_run(at, end, [&](Entry* entries, std::uint64_t count) {
      for (Entry* entry = entries; entry < entries + count; ++entry) {
        if ((*entry & (kHasFrame | kPresent)) != kHasFrame) continue;
        frames.add(*entry & kAddress);
        *entry = 0;
        taken += kPage;
      }
    });
    if (tables == Tables::free) {
      remove_tables(at, end, 1, table_frames);
      remove_tables(at, end, 2, table_frames);
    }
  }
  frames.free_all();
  if (table_frames.first != kNoFrame) {
    // Before the tables are reused: processors keep parts of the walk too.
    flush_tlb(at, size);
    table_frames.free_all();
  }
  return taken;
}

PhysicalAddress physical_of(std::uint64_t at) {
  SpinGuard guard(g_lock);
  std::uint64_t next;
  Entry* table = find_table(at, next);
  if (!table || !(table[index_of(at, 0)] & kHasFrame)) return kNoFrame;
  return (table[index_of(at, 0)] & kAddress) | (at & (kPage - 1));
}

bool is_readable(std::uint64_t at) {
  if (static_cast<std::int64_t>(at << 16) >> 16 != static_cast<std::int64_t>(at) || !g_root) return false;
  const Entry* table = g_root;
  for (std::uint32_t level = 3;; --level) {
    const Entry entry = table[index_of(at, level)];
    if (!(entry & kPresent)) return false;
    if (level == 0 || (entry & kLarge)) return true;
    table = table_of(entry);
  }
}

namespace {

std::uint64_t audit(const Entry* table, std::uint32_t level, bool writable, bool executable) {
  std::uint64_t broken = 0;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const Entry entry = table[i];
    if (!(entry & kPresent)) {
      broken += entry != 0 && (level != 0 || !(entry & kHasFrame));
      continue;
    }
    const bool w = writable && (entry & kWritable), x = executable && !(entry & kNoExecute);
    if (level == 0 || (entry & kLarge)) {
      broken += (w && x) || ((entry & kShows) && (entry & kHasFrame));
    } else {
      broken += audit(table_of(entry), level - 1, w, x);
    }
  }
  return broken;
}

}  // namespace

std::uint64_t audit_page_tables() {
  SpinGuard guard(g_lock);
  return audit(g_root, 3, true, true);
}

std::uint64_t count_entries(std::uint64_t at, std::uint64_t size) {
  std::uint64_t count = 0;
  SpinGuard guard(g_lock);
  for_each_run(at, at + size, [&](const Entry* entries, std::uint64_t pages) {
    count +=
        static_cast<std::uint64_t>(std::count_if(entries, entries + pages, [](Entry e) { return e != 0; }));
  });
  return count;
}

}  // namespace nebulet::machine
