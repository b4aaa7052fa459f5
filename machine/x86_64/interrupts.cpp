// SPDX-License-Identifier: MIT
#include "machine/x86_64/interrupts.h"

#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/device.h"
#include "machine/include/machine/time.h"
#include "machine/include/machine/upcalls.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/iommu.h"
#include "machine/x86_64/panic.h"
#include "machine/x86_64/tlb.h"
#include "machine/x86_64/virtio_console.h"

extern "C" const std::byte interrupt_stubs[256][16];

namespace nebulet::machine {
namespace {

struct Gate {
  std::uint16_t offset_low;
  std::uint16_t selector;
  std::uint8_t stack;
  std::uint8_t type;
  std::uint16_t offset_middle;
  std::uint32_t offset_high;
  std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

Gate g_gates[256];
bool g_kernel_takes_faults = false;

InterruptStack stack_of(std::uint32_t vector) {
  if (vector == kNonMaskable) return InterruptStack::nmi;
  if (vector == kDoubleFault) return InterruptStack::double_fault;
  if (vector == kMachineCheck) return InterruptStack::machine_check;
  return vector < kExceptions ? InterruptStack::fault : InterruptStack::interrupt;
}

void handle_exception(InterruptFrame& frame) {
  using Cause = FaultFrame::Cause;
  const std::uint64_t address = frame.vector == kPageFault ? read_cr2() : 0;
  Cpu& cpu = this_cpu();
  if (frame.vector == kDoubleFault || frame.vector == kMachineCheck || cpu.in_fault ||
      !g_kernel_takes_faults) {
    panic_at(frame, address);
  }
  FaultFrame fault;
  std::memcpy(fault.gpr, frame.gpr, sizeof fault.gpr);
  fault.pc = frame.pc;
  fault.flags = frame.flags;
  fault.address = address;
  fault.cause = frame.vector == kPageFault       ? Cause::memory
                : frame.vector == kDivideError   ? Cause::divide
                : frame.vector == kInvalidOpcode ? Cause::invalid_opcode
                                                 : Cause::other;
  fault.write = frame.vector == kPageFault && (frame.error & 2);
  cpu.in_fault = true;
  const kernel::FaultAction action = kernel::on_fault(fault);
  cpu.in_fault = false;
  if (action == kernel::FaultAction::fatal) panic_at(frame, address);
  if (action == kernel::FaultAction::resume) {
    std::memcpy(frame.gpr, fault.gpr, sizeof fault.gpr);
    frame.sp = fault.gpr[4];
    frame.pc = fault.pc;
    frame.flags = fault.flags;
  }
}

/// Copies what was saved of the interrupted code to its thread's kernel stack. interrupts.S expects the
/// extended state directly below the frame, aligned.
InterruptFrame* move_to_kernel_stack(const InterruptFrame& frame, const std::byte* extended_state) {
  const auto top = reinterpret_cast<std::uint64_t>(kernel::preempt_stack(frame.sp));
  auto* copy = reinterpret_cast<InterruptFrame*>((top - sizeof(InterruptFrame)) & ~15ull);
  *copy = frame;
  const std::uint64_t state = (reinterpret_cast<std::uint64_t>(copy) - xsave_size()) & ~63ull;
  std::memcpy(reinterpret_cast<std::byte*>(state), extended_state, xsave_size());
  return copy;
}

bool timer_is_due(Cpu& cpu) {
  const std::uint64_t deadline = cpu.deadline_ns;
  if (deadline == ~0ull) return false;
  const std::uint64_t now = monotonic_ns();
  if (now < deadline) {
    start_apic_timer(deadline - now);
    return false;
  }
  cpu.deadline_ns = ~0ull;
  return true;
}

}  // namespace

/// `extended_state` is the XSAVE area of the interrupted code. Returns the frame's copy on a kernel stack
/// where `preempt` is to run, or nullptr: the interrupt is over.
extern "C" InterruptFrame* dispatch_interrupt(InterruptFrame* frame, const std::byte* extended_state) {
  if (frame->vector == kNonMaskable) {
    stop_if_panicking();
    return nullptr;
  }
  if (frame->vector < kExceptions) {
    handle_exception(*frame);
    return nullptr;
  }
  Cpu& cpu = this_cpu();
  bool ask_kernel = false;
  switch (frame->vector) {
    case kTimer: ask_kernel = timer_is_due(cpu); break;
    case kWake: ask_kernel = true; break;
    case kTlb: answer_tlb_request(); break;
    case kDmaFault: report_dma_faults(); break;
    case kVirtio: acknowledge_virtio_interrupt(); [[fallthrough]];
    case kSerial:
      cpu.device_interrupted = true;
      ask_kernel = true;  // somebody may wait for the device
      break;
    default:
      if (frame->vector < kFirstLine || frame->vector >= kFirstLine + kInterruptLines + kMessageInterrupts)
        return nullptr;  // spurious: no end of interrupt
      kernel::on_interrupt(static_cast<std::uint32_t>(frame->vector - kFirstLine));
      cpu.device_interrupted = true;
      ask_kernel = true;
      break;
  }
  end_of_interrupt();
  if (ask_kernel && g_kernel_takes_faults && kernel::on_timer({.pc = frame->pc, .sp = frame->sp})) {
    return move_to_kernel_stack(*frame, extended_state);
  }
  return nullptr;
}

extern "C" void preempt_interrupted() { kernel::preempt(); }

void load_interrupt_table() {
  if (!g_gates[0].type) {
    for (std::uint32_t vector = 0; vector < 256; ++vector) {
      const auto at = reinterpret_cast<std::uint64_t>(interrupt_stubs[vector]);
      g_gates[vector] = {.offset_low = static_cast<std::uint16_t>(at),
                         .selector = kCodeSelector,
                         .stack = static_cast<std::uint8_t>(stack_of(vector)),
                         .type = 0x8e,  // present, interrupt gate
                         .offset_middle = static_cast<std::uint16_t>(at >> 16),
                         .offset_high = static_cast<std::uint32_t>(at >> 32),
                         .reserved = 0};
    }
  }
  struct [[gnu::packed]] {
    std::uint16_t limit;
    const void* base;
  } const pointer{sizeof g_gates - 1, g_gates};
  asm volatile("lidt %0" ::"m"(pointer));
}

void hand_faults_to_kernel() { g_kernel_takes_faults = true; }

void wait_for_interrupt() {
  // A device's interrupt that was handled since the last call counts: it may have come after the caller
  // looked at the device and before it turned interrupts off.
  Cpu& cpu = this_cpu();
  if (!cpu.device_interrupted) asm volatile("sti; hlt; cli" ::: "memory");
  cpu.device_interrupted = false;
  enable_interrupts();
}

void wake_cpu(std::uint32_t index) {
  Cpu& cpu = cpu_at(index);
  if (cpu.online.load(std::memory_order_acquire))
    send_interrupt(cpu.apic_id, kWake);  // pairs with the CPU's start
}

}  // namespace nebulet::machine
