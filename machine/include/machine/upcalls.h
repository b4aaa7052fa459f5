// SPDX-License-Identifier: MIT
// What the machine calls in the kernel. kernel/init defines these; nothing else of the kernel is visible
// below.
#pragma once

#include <cstdint>

#include "machine/include/machine/boot_info.h"
#include "machine/include/machine/context.h"

namespace nebulet::kernel {

/// The portable kernel, on the boot CPU, with the heap, the console and the clock working. Returns the exit
/// status that the machine reports when it powers off.
int kernel_main(const machine::BootInfo& boot);

/// A fault in running code. Runs on the machine's fault stack with interrupts off, so it must not block or
/// allocate from the heap unless it decides to end the kernel.
enum class FaultAction : std::uint8_t {
  retry,   ///< the cause is gone (a page was committed): run the instruction again
  resume,  ///< `frame` was changed: go on from it
  fatal,   ///< not a fault that the kernel knows: the machine panics and prints the frame
};
FaultAction on_fault(machine::FaultFrame& frame);

/// The CPU's timer expired. True: the interrupted code was wasm code, so the machine saves all its registers
/// and calls `preempt` on the thread's kernel stack. False: go on.
bool on_timer(const machine::Interrupted& at);

/// The line interrupted, which is not masked. On the machine's interrupt stack with interrupts off; on_timer
/// is asked afterwards.
void on_interrupt(std::uint32_t line);

/// The IOMMU stopped a PCI function (bus * 256 + device * 8 + function) that wanted to read or write at an
/// address that it was not granted. In the same context. The machine tells of so many only.
void on_dma_fault(std::uint32_t function, std::uint64_t address, bool write);

/// Where the machine may put the saved registers and the frames of `preempt`: the thread's kernel stack is
/// free below this address. `interrupted_sp` is the stack pointer of the wasm code. Asked directly after
/// on_timer returned true, with interrupts off.
void* preempt_stack(std::uint64_t interrupted_sp);

/// Called by the machine in place of an interrupted wasm instruction, on the thread's kernel stack with
/// interrupts on. It may switch to other threads. When it returns, the machine restores every register and
/// goes on.
void preempt();

}  // namespace nebulet::kernel
