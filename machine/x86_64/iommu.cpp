// SPDX-License-Identifier: MIT
#include "machine/x86_64/iommu.h"

#include <atomic>

#include "base/assert.h"
#include "machine/include/machine/upcalls.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

// 11.4: registers.
constexpr std::uint32_t kCapability = 0x08, kExtended = 0x10, kCommand = 0x18, kStatus = 0x1c, kRoot = 0x20,
                        kContextCommand = 0x28, kFaultStatus = 0x34, kFaultControl = 0x38, kFaultData = 0x3c,
                        kFaultAddress = 0x40, kFaultUpper = 0x44, kRegistersBytes = 4096;
constexpr std::uint32_t kTranslate = 1u << 31, kSetRoot = 1u << 30, kWriteBuffers = 1u << 27;
/// Bits of the status that are commands to keep (11.4.4).
constexpr std::uint32_t kKept = 0x96ff'ffff;
constexpr std::uint64_t kInvalidate = 1ull << 63, kGlobalContext = 1ull << 61, kGlobalPages = 1ull << 60,
                        kDrainReads = 1ull << 49, kDrainWrites = 1ull << 48;
constexpr std::uint64_t kPassThrough = 1 << 6, kCoherent = 1;  // of the extended capabilities
constexpr std::uint64_t kThreeLevels = 1 << 9, kFourLevels = 1 << 10,
                        kNeedsWriteBuffers = 1 << 4;  // of the capabilities
// 9.1, 9.3, 9.9: entries.
constexpr std::uint64_t kPresent = 1, kPassType = 2 << 2,
                        kThreeLevelWidth = 1;  ///< of context entries; a level more is one more
constexpr std::uint64_t kRead = 1, kWrite = 2, kAddress = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kMaxReports = 64;

using Table = std::uint64_t;  // its first entry

SpinLock g_lock;
volatile std::byte* g_registers = nullptr;                   ///< nullptr: there is no IOMMU
std::uint32_t g_pages = 0, g_faults = 0, g_fault_count = 0;  ///< offsets of registers
std::uint32_t g_levels = 0;                                  ///< of the functions' tables
bool g_coherent = false, g_write_buffers = false;
Table* g_root = nullptr;
std::uint32_t g_domains = 0;
std::atomic<std::uint32_t> g_reports = 0;

std::uint32_t get32(std::uint32_t at) { return *reinterpret_cast<volatile std::uint32_t*>(g_registers + at); }
void set32(std::uint32_t at, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(g_registers + at) = value;
}
std::uint64_t get64(std::uint32_t at) { return *reinterpret_cast<volatile std::uint64_t*>(g_registers + at); }
void set64(std::uint32_t at, std::uint64_t value) {
  *reinterpret_cast<volatile std::uint64_t*>(g_registers + at) = value;
}

/// Hardware that answers in time, or is broken: then nothing is known of what devices reach.
template <class Done>
void wait_for(Done done) {
  for (std::uint64_t tries = 0; !done(); ++tries) {
    if (tries > 100'000'000) panic("the IOMMU does not answer");
    spin_hint();
  }
}

void command(std::uint32_t bit) {
  set32(kCommand, (get32(kStatus) & kKept) | bit);
  wait_for([&] { return bit == kWriteBuffers ? !(get32(kStatus) & bit) : (get32(kStatus) & bit) != 0; });
}

void put(Table& entry, std::uint64_t value) {
  reinterpret_cast<volatile Table&>(entry) = value;
  if (!g_coherent) asm volatile("clflush %0; mfence" ::"m"(entry) : "memory");
}

/// Afterwards the tables are what functions are held to, and what they were writing is written (6.5).
void invalidate() {
  if (g_write_buffers) command(kWriteBuffers);
  set64(kContextCommand, kInvalidate | kGlobalContext);
  wait_for([] { return !(get64(kContextCommand) & kInvalidate); });
  set64(g_pages, kInvalidate | kGlobalPages | kDrainReads | kDrainWrites);
  wait_for([] { return !(get64(g_pages) & kInvalidate); });
}

/// What an entry points to; made if it points nowhere. nullptr: no memory.
Table* descend(Table& entry, std::uint64_t flags) {
  if ((entry & flags) == 0) {
    const PhysicalAddress made = allocate_zeroed_frame();
    if (made == kNoFrame) return nullptr;
    if (!g_coherent)
      for (std::uint64_t i = 0; i < kPage; i += 64)
        asm volatile("clflush %0" ::"m"(direct(made)[i]) : "memory");
    put(entry, made | flags);
  }
  return reinterpret_cast<Table*>(direct(entry & kAddress));
}

/// Whether the unit holds the function to its tables.
bool is_for(std::uint32_t function) {
  return acpi().iommu_is_for_all || (function < 256 && acpi().iommu_is_for[function]);
}

/// The two words of a function's context entry.
Table* context_of(std::uint32_t function) {
  Table* const contexts = descend(g_root[(function >> 8) * 2], kPresent);
  return contexts == nullptr ? nullptr : contexts + (function & 0xff) * 2;
}

/// A function's entry for a page of its addresses; nullptr: no memory, or the kernel works the function.
Table* leaf_of(std::uint32_t function, PhysicalAddress at) {
  Table* const context = context_of(function);
  if (context == nullptr || (context[0] & kPassType)) return nullptr;
  if (!(context[0] & kPresent)) {
    const PhysicalAddress made = allocate_zeroed_frame();
    if (made == kNoFrame) return nullptr;
    put(context[1], (g_levels - 3 + kThreeLevelWidth) | std::uint64_t{++g_domains & 0xffff} << 8);
    put(context[0], made | kPresent);
  }
  Table* table = reinterpret_cast<Table*>(direct(context[0] & kAddress));
  for (std::uint32_t shift = 3 + 9 * g_levels; shift > 12; shift -= 9) {
    table = descend(table[at >> shift & 511], kRead | kWrite);
    if (table == nullptr) return nullptr;
  }
  return &table[at >> 12 & 511];
}

}  // namespace

void initialize_iommu() {
  const PhysicalAddress at = acpi().iommu;
  if (at == 0 || !is_for_drivers(DeviceSpace::memory, at, kRegistersBytes)) return;
  g_registers = map_device(at, kRegistersBytes);
  const std::uint64_t capability = get64(kCapability), extended = get64(kExtended);
  g_pages = static_cast<std::uint32_t>(extended >> 8 & 0x3ff) * 16 + 8;
  g_faults = static_cast<std::uint32_t>(capability >> 24 & 0x3ff) * 16;
  g_fault_count = static_cast<std::uint32_t>(capability >> 40 & 0xff) + 1;
  g_levels = capability & kFourLevels ? 4 : capability & kThreeLevels ? 3 : 0;
  g_coherent = extended & kCoherent;
  g_write_buffers = capability & kNeedsWriteBuffers;
  const PhysicalAddress root = allocate_zeroed_frame();
  const bool reaches_all = memory_end() >> (12 + 9 * g_levels) == 0;
  if (!(extended & kPassThrough) || g_levels == 0 || !reaches_all || g_pages + 8 > kRegistersBytes ||
      g_faults + g_fault_count * 16 > kRegistersBytes || root == kNoFrame || (get32(kStatus) & kTranslate)) {
    g_registers = nullptr;
    return;
  }
  claim_device(DeviceSpace::memory, at, kRegistersBytes);
  g_root = reinterpret_cast<Table*>(direct(root));
  // What the kernel works itself is trusted. It is on bus 0 (pci.h).
  for (std::uint32_t function = 0; function < 256; ++function) {
    if (!is_claimed(DeviceSpace::pci, std::uint64_t{function} * kPciFunctionBytes, kPciFunctionBytes))
      continue;
    Table* const context = context_of(function);
    if (context == nullptr) panic("no memory for the IOMMU");
    put(context[1], (g_levels - 3 + kThreeLevelWidth) | std::uint64_t{++g_domains} << 8);
    put(context[0], kPassType | kPresent);
  }
  set64(kRoot, root);
  command(kSetRoot);
  invalidate();
  set32(kFaultData, kDmaFault);
  set32(kFaultAddress, 0xfee00000 | (apic_id() & 0xff) << 12);
  set32(kFaultUpper, 0);
  set32(kFaultControl, 0);  // not masked
  command(kTranslate);
}

bool grant_device_memory(std::uint32_t function, const DeviceMemory& memory, std::uint32_t order) {
  if (g_registers == nullptr) return true;
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  for (std::uint64_t at = memory.address; at < memory.address + (kPage << order); at += kPage) {
    Table* const leaf = leaf_of(function, at);
    if (leaf == nullptr) return false;
    put(*leaf, at | kRead | kWrite);
  }
  invalidate();
  return true;
}

bool revoke_device_memory(std::uint32_t function, const DeviceMemory& memory, std::uint32_t order) {
  if (g_registers == nullptr) return false;
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  for (std::uint64_t at = memory.address; at < memory.address + (kPage << order); at += kPage)
    if (Table* const leaf = leaf_of(function, at)) put(*leaf, 0);
  invalidate();
  return is_for(function);
}

void report_dma_faults() {
  if (g_registers == nullptr) return;
  for (std::uint32_t i = 0; i < g_fault_count; ++i) {
    const std::uint32_t at = g_faults + 16 * i;
    const std::uint64_t high = get64(at + 8);
    if (!(high >> 63)) continue;
    const std::uint64_t address = get64(at) & ~(kPage - 1);
    set32(at + 12, 1u << 31);
    if (g_reports.fetch_add(1, std::memory_order_relaxed) < kMaxReports)
      kernel::on_dma_fault(static_cast<std::uint32_t>(high & 0xffff), address, !(high >> 62 & 1));
  }
  set32(kFaultStatus, 1);  // overflow: further faults are recorded again
  if (g_reports.load(std::memory_order_relaxed) >= kMaxReports) set32(kFaultControl, 1u << 31);
}

}  // namespace nebulet::machine
