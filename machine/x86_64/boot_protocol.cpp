// SPDX-License-Identifier: MIT
#include "machine/x86_64/boot_protocol.h"

#include <algorithm>
#include <cstring>

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kPvhMagic = 0x336ec578;
constexpr std::uint32_t kMultiboot2Magic = 0x36d76289;
constexpr std::uint32_t kUsable = 1;  // in both protocols' maps
constexpr PhysicalAddress kReachable = 4ull << 30;
constexpr PhysicalAddress kPage = 4096;

constexpr std::size_t kMaxRanges = 128, kMaxModules = 16, kTextSize = 8192;
PhysicalRange g_ranges[kMaxRanges];
std::size_t g_range_count = 0;
LoadedModule g_modules[kMaxModules];
std::size_t g_module_count = 0;
char g_text[kTextSize];
std::size_t g_text_used = 0;
BootFacts g_facts;

// SAFETY: the loader put these structures there; they are trivially copyable and read once.
template <class T>
T read_physical(PhysicalAddress at) {
  T value{};
  if (at < kReachable - sizeof(T)) std::memcpy(&value, direct(at), sizeof(T));
  return value;
}

/// The zero-terminated text at `at`, copied. What does not fit is cut off.
std::string_view copy_text(PhysicalAddress at, std::size_t limit) {
  if (!at || at >= kReachable - kTextSize) return {};
  const char* from = reinterpret_cast<const char*>(direct(at));
  const std::size_t length = std::min({limit, kTextSize - g_text_used, kTextSize});
  char* to = g_text + g_text_used;
  std::size_t copied = 0;
  while (copied < length && from[copied]) {
    to[copied] = from[copied];
    ++copied;
  }
  g_text_used += copied;
  return {to, copied};
}

void add_memory(std::uint64_t start, std::uint64_t size, std::uint32_t type) {
  if (type != kUsable || g_range_count == kMaxRanges || start > kDirectMapSize) return;
  size = std::min(size, kDirectMapSize - start);
  const PhysicalRange range{(start + kPage - 1) & ~(kPage - 1), (start + size) & ~(kPage - 1)};
  if (range.start < range.end) g_ranges[g_range_count++] = range;
}

void add_module(PhysicalAddress start, std::uint64_t size, std::string_view name) {
  if (g_module_count == kMaxModules || start >= kDirectMapSize || size > kDirectMapSize - start) return;
  g_modules[g_module_count++] = {{start, start + size}, name};
}

void read_pvh(PhysicalAddress at) {
  struct StartInfo {
    std::uint32_t magic, version, flags, modules;
    std::uint64_t module_list, command_line, rsdp, memory_map;
    std::uint32_t memory_map_entries, reserved;
  };
  struct Module {
    std::uint64_t address, size, command_line, reserved;
  };
  struct MemoryEntry {
    std::uint64_t address, size;
    std::uint32_t type, reserved;
  };
  const auto info = read_physical<StartInfo>(at);
  if (info.magic != kPvhMagic || info.version < 1) return;
  g_facts.rsdp = info.rsdp;
  g_facts.command_line = copy_text(info.command_line, kTextSize / 2);
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(info.memory_map_entries, 4096); ++i) {
    const auto entry = read_physical<MemoryEntry>(info.memory_map + i * sizeof(MemoryEntry));
    add_memory(entry.address, entry.size, entry.type);
  }
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(info.modules, kMaxModules); ++i) {
    const auto module = read_physical<Module>(info.module_list + i * sizeof(Module));
    add_module(module.address, module.size, copy_text(module.command_line, 256));
  }
}

void read_multiboot2(PhysicalAddress at) {
  struct Tag {
    std::uint32_t type, size;
  };
  enum : std::uint32_t { kEnd = 0, kCommandLine = 1, kModule = 3, kMemoryMap = 6, kRsdp1 = 14, kRsdp2 = 15 };
  const PhysicalAddress end = at + read_physical<std::uint32_t>(at);
  for (at += 8; at + sizeof(Tag) <= end;) {
    const auto tag = read_physical<Tag>(at);
    if (tag.type == kEnd || tag.size < sizeof(Tag) || tag.size > end - at) return;
    const PhysicalAddress body = at + sizeof(Tag);
    const std::uint32_t size = tag.size - sizeof(Tag);
    if (tag.type == kCommandLine) {
      g_facts.command_line = copy_text(body, std::min<std::size_t>(size, kTextSize / 2));
    } else if (tag.type == kModule && size >= 8) {
      const auto start = read_physical<std::uint32_t>(body), stop = read_physical<std::uint32_t>(body + 4);
      if (stop > start)
        add_module(start, stop - start, copy_text(body + 8, std::min<std::size_t>(size - 8, 256)));
    } else if (tag.type == kMemoryMap && size >= 8) {
      const auto entry_size = read_physical<std::uint32_t>(body);
      for (std::uint64_t entry = 8; entry_size >= 20 && entry + entry_size <= size; entry += entry_size) {
        add_memory(read_physical<std::uint64_t>(body + entry), read_physical<std::uint64_t>(body + entry + 8),
                   read_physical<std::uint32_t>(body + entry + 16));
      }
    } else if (tag.type == kRsdp2 || (tag.type == kRsdp1 && !g_facts.rsdp)) {
      g_facts.rsdp = body;
    }
    at += (tag.size + 7) & ~7u;
  }
}

void sort_and_merge() {
  for (std::size_t i = 1; i < g_range_count; ++i) {
    for (std::size_t j = i; j && g_ranges[j].start < g_ranges[j - 1].start; --j)
      std::swap(g_ranges[j], g_ranges[j - 1]);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < g_range_count; ++i) {
    if (kept && g_ranges[i].start <= g_ranges[kept - 1].end) {
      g_ranges[kept - 1].end = std::max(g_ranges[kept - 1].end, g_ranges[i].end);
    } else {
      g_ranges[kept++] = g_ranges[i];
    }
  }
  g_range_count = kept;
}

}  // namespace

const BootFacts& read_boot_protocol(std::uint32_t magic, PhysicalAddress info) {
  if (magic == kPvhMagic) {
    g_facts.loader = "PVH";
    read_pvh(info);
  } else if (magic == kMultiboot2Magic) {
    g_facts.loader = "multiboot2";
    read_multiboot2(info);
  }
  sort_and_merge();
  g_facts.memory = {g_ranges, g_range_count};
  g_facts.modules = {g_modules, g_module_count};
  return g_facts;
}

}  // namespace nebulet::machine
