// SPDX-License-Identifier: MIT
// A CPU's own block, found through FS, and the tables the processor reads: GDT, TSS, interrupt stacks.
#pragma once

#include <atomic>
#include <cstdint>

namespace nebulet::machine {

constexpr std::uint32_t kMaxCpus = 64;

constexpr std::uint16_t kCodeSelector = 0x08;
constexpr std::uint16_t kDataSelector = 0x10;
constexpr std::uint16_t kTssSelector = 0x18;

/// Every vector enters on one of these, because the interrupted stack may be a wasm stack without a byte
/// left.
enum class InterruptStack : std::uint8_t { fault = 1, double_fault, nmi, machine_check, interrupt, count };

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0 = 0;
  std::uint64_t privilege_stacks[3] = {};
  std::uint64_t reserved1 = 0;
  std::uint64_t interrupt_stacks[7] = {};
  std::uint64_t reserved2 = 0;
  std::uint16_t reserved3 = 0;
  std::uint16_t io_map = sizeof(TaskState);
};

struct Cpu {
  Cpu* self = this;  ///< at FS:0
  std::uint32_t index = 0;
  std::uint32_t apic_id = 0;
  void* local = nullptr;              ///< the kernel's
  std::uint64_t deadline_ns = ~0ull;  ///< of the timer
  bool device_interrupted = false;    ///< since wait_for_interrupt last returned
  bool in_fault = false;              ///< kernel::on_fault is running
  std::atomic<bool> online = false;
  std::atomic<std::uint64_t> tlb_seen = 0;       ///< number of the last TLB request this CPU answered
  std::atomic<void (*)(void*)> entry = nullptr;  ///< of start_cpu
  void* argument = nullptr;
  std::uint64_t gdt[5] = {};
  alignas(16) TaskState task_state;
};

Cpu& this_cpu();
Cpu& cpu_at(std::uint32_t index);

/// The name of what this processor lacks of what the kernel or generated code needs; nullptr if nothing.
const char* missing_feature();
/// Control registers, XCR0, FS base; the protections that the processor has.
void enable_features();
/// Makes `cpu` what this_cpu gives; load_tables does it too.
void set_cpu_block(Cpu& cpu);
/// Makes the GDT and the TSS with its stacks.
void prepare_tables(Cpu& cpu);
/// GDT, TSS, IDT, FS base.
void load_tables(Cpu& cpu);
/// Bytes of an XSAVE area with the state that is enabled.
std::uint32_t xsave_size();

/// A stack with a guard page below it; returns its top.
std::byte* allocate_stack(std::uint64_t size);

}  // namespace nebulet::machine
