// SPDX-License-Identifier: MIT
#include "machine/x86_64/cpus.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/tlb.h"

extern "C" const std::byte start_cpu_code[], start_cpu_data[], start_cpu_code_end[];

namespace nebulet::machine {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kStack = 64 * 1024;
constexpr std::uint64_t kAgain = 2'000'000, kPatience = 500'000'000;

/// As start_cpu.S lays it out.
struct [[gnu::packed]] StartData {
  std::uint32_t root;
  std::uint32_t far_offset;
  std::uint16_t far_selector;
  std::uint16_t gdt_limit;
  std::uint32_t gdt_base;
  std::uint64_t gdt[2];
  std::uint64_t stack;
  Cpu* cpu;
  void (*entry)(Cpu*);
};

void run_cpu(Cpu* cpu) {
  set_cpu_block(*cpu);
  enable_features();
  load_tables(*cpu);
  initialize_apic();
  join_tlb_requests();
  for (;;) {
    disable_interrupts();
    if (cpu->entry.load(std::memory_order_acquire)) break;  // pairs with start_cpu
    wait_for_interrupt();
  }
  enable_interrupts();
  cpu->entry.load(std::memory_order_relaxed)(cpu->argument);
  panic("the entry of a CPU returned");
}

bool overlaps(PhysicalRange range, PhysicalAddress page) {
  return range.start < page + kPage && page < range.end;
}

/// A page of memory below 1 MiB, which the frame allocator leaves alone; 0: none.
PhysicalAddress find_low_page(const BootFacts& facts) {
  for (PhysicalAddress page = 0x8000; page < 0xa0000; page += kPage) {
    const bool is_memory = std::ranges::any_of(facts.memory, [&](const PhysicalRange& range) {
      return range.start <= page && page + kPage <= range.end;
    });
    const bool is_module = std::ranges::any_of(
        facts.modules, [&](const LoadedModule& module) { return overlaps(module.range, page); });
    if (is_memory && !is_module) return page;
  }
  return 0;
}

/// Intel SDM 3A, 10.4.4; processors with AVX2 need no pause between the two.
bool start_one(Cpu& cpu, PhysicalAddress page) {
  const auto vector = static_cast<std::uint8_t>(page / kPage);
  const auto is_online = [&] { return cpu.online.load(std::memory_order_acquire); };  // pairs with run_cpu
  send_init(cpu.apic_id);
  send_startup(cpu.apic_id, vector);
  const std::uint64_t from = monotonic_ns();
  for (bool again = false; !is_online() && monotonic_ns() - from < kPatience; spin_hint()) {
    if (!again && monotonic_ns() - from > kAgain) {
      send_startup(cpu.apic_id, vector);
      again = true;
    }
  }
  return is_online();
}

}  // namespace

std::uint32_t start_other_cpus(const BootFacts& facts) {
  const PhysicalAddress page = find_low_page(facts);
  const std::uint32_t self = apic_id();
  if (acpi().cpu_count < 2 || !page || page_table_root() >= 1ull << 32) return 1;
  const auto size = static_cast<std::size_t>(start_cpu_code_end - start_cpu_code);
  NB_ASSERT(size <= kPage &&
            static_cast<std::size_t>(start_cpu_code_end - start_cpu_data) == sizeof(StartData));
  std::memcpy(direct(page), start_cpu_code, size);
  StartData data;
  std::byte* at = direct(page) + (start_cpu_data - start_cpu_code);
  std::memcpy(&data, at, sizeof data);
  data.root = static_cast<std::uint32_t>(page_table_root());
  data.far_offset += static_cast<std::uint32_t>(page);
  data.gdt_base += static_cast<std::uint32_t>(page);
  data.entry = run_cpu;
  map_identity(page);
  std::uint32_t count = 1;
  for (const std::uint32_t id : std::span(acpi().apic_ids).first(acpi().cpu_count)) {
    if (id == self || count == kMaxCpus) continue;
    Cpu& cpu = cpu_at(count);
    cpu.index = count;
    cpu.apic_id = id;
    prepare_tables(cpu);
    data.stack = reinterpret_cast<std::uint64_t>(allocate_stack(kStack));
    data.cpu = &cpu;
    std::memcpy(at, &data, sizeof data);
    // One that comes later than this finds its data and the page as they are, and waits for ever.
    if (!start_one(cpu, page)) return count;
    ++count;
  }
  unmap_identity(page);
  return count;
}

void start_cpu(std::uint32_t index, void (*entry)(void*), void* argument) {
  Cpu& cpu = cpu_at(index);
  NB_ASSERT(index != 0 && cpu.online.load(std::memory_order_acquire));
  cpu.argument = argument;
  cpu.entry.store(entry, std::memory_order_release);  // pairs with run_cpu
  wake_cpu(index);
}

}  // namespace nebulet::machine
