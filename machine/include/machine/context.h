// SPDX-License-Identifier: MIT
// Machine contexts: switching between kernel threads, and the registers of a fault.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::machine {

/// The integer registers at a fault, in the processor's numbering (0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, …), and
/// the cause.
struct FaultFrame {
  std::uint64_t gpr[16];
  std::uint64_t pc;
  std::uint64_t flags;
  std::uint64_t address;  ///< of a memory fault
  enum class Cause : std::uint8_t { memory, divide, invalid_opcode, other } cause;
  bool write;  ///< memory: the access was a write
};

/// The kernel stacks of threads. `call`: what a kernel call finds at least.
struct StackSize {
  std::size_t size, call;
};
extern const StackSize kThreadStack;

/// What an interrupt interrupted; 0 if it was delayed until kernel code let it in.
struct Interrupted {
  std::uint64_t pc = 0, sp = 0;
};

/// A suspended kernel thread: its stack pointer; callee-saved registers, GS base and floating-point control
/// words are on its stack.
struct Context {
  void* sp = nullptr;
  void* sanitizer_state = nullptr;  ///< hosted only: what ASan and TSan keep per stack
};

/// Prepares `context` to call entry(argument) on the stack [stack, stack + size) when first switched to.
/// entry must not return.
void make_context(Context& context, std::byte* stack, std::size_t size, void (*entry)(void*), void* argument);
/// No context is made on this stack, which had one, any more.
void forget_context(std::byte* stack, std::size_t size);
/// Suspends the running thread in `from` and resumes `to`. Interrupts must be off or preemption disabled.
void switch_context(Context& from, Context& to);

}  // namespace nebulet::machine
