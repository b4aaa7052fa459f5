// SPDX-License-Identifier: MIT
#include "machine/x86_64/cpu.h"

#include <cstddef>

#include "base/assert.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/memory.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"

extern "C" {
/// interrupts.S reads it.
std::uint64_t g_xsave_size = 0;
}

namespace nebulet::machine {
namespace {

Cpu g_cpus[kMaxCpus];

constexpr std::uint32_t kEfer = 0xc0000080, kFsBase = 0xc0000100, kGsBase = 0xc0000101;
constexpr std::uint64_t kXcr0 = 7;  // x87, SSE, AVX

struct Feature {
  std::uint32_t leaf;
  enum Register : std::uint8_t { ebx, ecx, edx } where;
  std::uint8_t bit;
  const char* name;
};
// Long mode and NX are tested in boot.S, before which this code cannot run.
constexpr Feature kNeeded[] = {
    {1, Feature::edx, 4, "TSC"},     {1, Feature::edx, 5, "MSR"},
    {1, Feature::edx, 9, "APIC"},    {1, Feature::edx, 24, "FXSAVE"},
    {1, Feature::edx, 26, "SSE2"},   {1, Feature::ecx, 0, "SSE3"},
    {1, Feature::ecx, 9, "SSSE3"},   {1, Feature::ecx, 13, "CMPXCHG16B"},
    {1, Feature::ecx, 19, "SSE4.1"}, {1, Feature::ecx, 20, "SSE4.2"},
    {1, Feature::ecx, 23, "POPCNT"}, {1, Feature::ecx, 26, "XSAVE"},
    {1, Feature::ecx, 28, "AVX"},    {7, Feature::ebx, 0, "FSGSBASE"},
    {7, Feature::ebx, 3, "BMI1"},    {7, Feature::ebx, 5, "AVX2"},
    {7, Feature::ebx, 8, "BMI2"},    {0x80000001, Feature::ecx, 5, "LZCNT"},
};

enum Cr4 : std::uint64_t {
  kOsFxsr = 1 << 9,
  kOsXmmExcept = 1 << 10,
  kUmip = 1 << 11,
  kFsGsBase = 1 << 16,
  kOsXsave = 1 << 18,
  kSmep = 1 << 20,
  kSmap = 1 << 21,
};

struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

}  // namespace

Cpu& this_cpu() {
  Cpu* cpu;
  asm("movq %%fs:0, %0" : "=r"(cpu));
  return *cpu;
}
Cpu& cpu_at(std::uint32_t index) {
  NB_ASSERT(index < kMaxCpus);
  return g_cpus[index];
}

const char* missing_feature() {
  for (const Feature& feature : kNeeded) {
    if (cpuid(feature.leaf & 0x80000000).eax < feature.leaf) return feature.name;
    const CpuidResult r = cpuid(feature.leaf);
    const std::uint32_t bits = feature.where == Feature::ebx   ? r.ebx
                               : feature.where == Feature::ecx ? r.ecx
                                                               : r.edx;
    if (!(bits >> feature.bit & 1)) return feature.name;
  }
  return nullptr;
}

void enable_features() {
  const CpuidResult leaf7 = cpuid(7);
  std::uint64_t cr4 = read_cr4() | kOsFxsr | kOsXmmExcept | kOsXsave | kFsGsBase;
  if (leaf7.ebx & 1 << 7) cr4 |= kSmep;
  if (leaf7.ebx & 1 << 20) cr4 |= kSmap;
  if (leaf7.ecx & 1 << 2) cr4 |= kUmip;
  write_cr4(cr4);
  // PG, AM off, WP, NE, ET, MP, PE; no emulation, no task-switched trap, caches on.
  write_cr0(0x80010033);
  asm volatile("xsetbv" ::"c"(0), "a"(static_cast<std::uint32_t>(kXcr0)), "d"(0));
  asm volatile("fninit");
  const std::uint32_t mxcsr = 0x1f80;
  asm volatile("ldmxcsr %0" ::"m"(mxcsr));
  g_xsave_size = (cpuid(0xd, 0).ebx + 63) & ~63u;
  write_msr(kEfer, read_msr(kEfer) & ~1ull);  // no SYSCALL: nothing here runs outside ring 0
}

std::uint32_t xsave_size() { return static_cast<std::uint32_t>(g_xsave_size); }

std::byte* allocate_stack(std::uint64_t size) {
  std::byte* base = reserve(2 * size, 2 * size);
  if (!base || !commit(base + size, size, Protection::read_write)) panic("out of memory for a stack");
  return base + 2 * size;
}

void set_cpu_block(Cpu& cpu) { write_msr(kFsBase, reinterpret_cast<std::uint64_t>(&cpu)); }

void prepare_tables(Cpu& cpu) {
  for (auto stack = std::uint32_t{1}; stack < static_cast<std::uint32_t>(InterruptStack::count); ++stack) {
    const bool small = stack == static_cast<std::uint32_t>(InterruptStack::nmi) ||
                       stack == static_cast<std::uint32_t>(InterruptStack::machine_check);
    cpu.task_state.interrupt_stacks[stack - 1] =
        reinterpret_cast<std::uint64_t>(allocate_stack(small ? 8192 : 32768));
  }
  const auto task = reinterpret_cast<std::uint64_t>(&cpu.task_state);
  cpu.gdt[1] = 0x00af9a000000ffff;
  cpu.gdt[2] = 0x00cf92000000ffff;
  cpu.gdt[3] = (sizeof(TaskState) - 1) | (task & 0xffffff) << 16 | 0x89ull << 40 | (task >> 24 & 0xff) << 56;
  cpu.gdt[4] = task >> 32;
}

void load_tables(Cpu& cpu) {
  const TablePointer gdt{sizeof cpu.gdt - 1, reinterpret_cast<std::uint64_t>(cpu.gdt)};
  asm volatile(
      "lgdt %0\n\t"
      "pushq %1\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "lretq\n"
      "1: movw %w2, %%ds\n\t"
      "movw %w2, %%es\n\t"
      "movw %w2, %%ss\n\t"
      "movw %w3, %%fs\n\t"
      "movw %w3, %%gs\n\t"
      "ltr %w4" ::"m"(gdt),
      "i"(kCodeSelector), "r"(kDataSelector), "r"(0), "r"(kTssSelector)
      : "rax", "memory");
  set_cpu_block(cpu);
  write_msr(kGsBase, 0);
  load_interrupt_table();
}

std::uint32_t current_cpu() {
  std::uint32_t index;
  asm volatile("movl %%fs:%c1, %0" : "=r"(index) : "i"(offsetof(Cpu, index)));
  return index;
}
void* cpu_local() {
  void* local;
  asm volatile("movq %%fs:%c1, %0" : "=r"(local) : "i"(offsetof(Cpu, local)));
  return local;
}
void set_cpu_local(void* value) { asm volatile("movq %0, %%fs:%c1" ::"r"(value), "i"(offsetof(Cpu, local))); }

bool interrupts_enabled() {
  std::uint64_t flags;
  asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
  return flags & 1 << 9;
}
void enable_interrupts() { asm volatile("sti" ::: "memory"); }
void disable_interrupts() { asm volatile("cli" ::: "memory"); }

}  // namespace nebulet::machine
