// SPDX-License-Identifier: MIT
// Faults as signals, and preemption: from the signal's frame to a kernel stack and back.
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "machine/hosted/state.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/upcalls.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

extern "C" void nb_hosted_preempt();

namespace nebulet::machine {
namespace hosted {
namespace {

/// Where the host keeps the processor's registers 0 … 15.
constexpr std::array<int, 16> kRegisters = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                            REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                            REG_R12, REG_R13, REG_R14, REG_R15};
constexpr std::array<const char*, 16> kRegisterNames = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                        "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                        "r12", "r13", "r14", "r15"};
constexpr std::array<int, 4> kFaultSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
std::array<struct sigaction, 4> previous_actions;

FaultFrame::Cause cause_of(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS: return FaultFrame::Cause::memory;
    case SIGFPE: return FaultFrame::Cause::divide;
    case SIGILL: return FaultFrame::Cause::invalid_opcode;
    default: return FaultFrame::Cause::other;
  }
}

/// Reports a fault that nobody knows and lets it happen again, for the sanitizer or the host's default
/// action.
void give_up(int signal, const FaultFrame& frame) {
  dprintf(STDERR_FILENO, "nebulet-hosted: unexpected signal %d at %#lx, address %#lx\n", signal, frame.pc,
          frame.address);
  for (std::size_t i = 0; i < 16; ++i)
    dprintf(STDERR_FILENO, "%s=%#lx%s", kRegisterNames[i], frame.gpr[i], i % 4 == 3 ? "\n" : " ");
  for (std::size_t i = 0; i < kFaultSignals.size(); ++i)
    sigaction(kFaultSignals[i], &previous_actions[i], nullptr);
}

void on_fault_signal(int signal, siginfo_t* info, void* raw) {
  auto& registers = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
  FaultFrame frame = {};
  for (std::size_t i = 0; i < 16; ++i) frame.gpr[i] = static_cast<std::uint64_t>(registers[kRegisters[i]]);
  frame.pc = static_cast<std::uint64_t>(registers[REG_RIP]);
  frame.flags = static_cast<std::uint64_t>(registers[REG_EFL]);
  frame.cause = cause_of(signal);
  frame.address =
      frame.cause == FaultFrame::Cause::memory ? reinterpret_cast<std::uint64_t>(info->si_addr) : 0;
  frame.write = (registers[REG_ERR] & 2) != 0;

  const InterruptGuard interrupts;
  switch (kernel::on_fault(frame)) {
    case kernel::FaultAction::retry: return;
    case kernel::FaultAction::fatal: return give_up(signal, frame);
    case kernel::FaultAction::resume: break;
  }
  for (std::size_t i = 0; i < 16; ++i) registers[kRegisters[i]] = static_cast<greg_t>(frame.gpr[i]);
  registers[REG_RIP] = static_cast<greg_t>(frame.pc);
}

/// What the host's rt_sigreturn reads of a signal frame: the head of glibc's ucontext_t up to 64 bits of
/// signal mask.
constexpr std::size_t kHostContextSize = offsetof(ucontext_t, uc_sigmask) + 8;

/// A preempted thread's registers, on its kernel stack; the floating-point state lies above.
struct Preempted {
  alignas(16) ucontext_t context;
  std::uint64_t gs_base;
};

std::size_t extended_state_size(const ucontext_t& context) {
  constexpr std::size_t kLegacySize = 512, kSoftwareBytes = 464;
  constexpr std::uint32_t kMagic = 0x46505853;  // FP_XSTATE_MAGIC1 of the host's sigcontext.h
  std::uint32_t software[2];
  std::memcpy(software, reinterpret_cast<const std::byte*>(context.uc_mcontext.fpregs) + kSoftwareBytes,
              sizeof(software));
  return software[0] == kMagic ? software[1] : kLegacySize;
}

}  // namespace

extern "C" std::uint64_t nb_hosted_run_preempt(Preempted* saved) {
  kernel::preempt();
  // The thread may be on another CPU: rt_sigreturn must not bring the old CPU's signal stack along.
  const stack_t here = {.ss_sp = this_cpu().signal_stack, .ss_flags = 0, .ss_size = kSignalStack};
  saved->context.uc_stack = here;
  return saved->gs_base;
}

void redirect_to_preempt(ucontext_t& context) {
  auto& registers = context.uc_mcontext.gregs;
  const auto top =
      reinterpret_cast<std::uintptr_t>(kernel::preempt_stack(static_cast<std::uint64_t>(registers[REG_RSP])));
  const std::size_t size = extended_state_size(context);
  const std::uintptr_t state = (top - size) & ~std::uintptr_t{63};
  const std::uintptr_t at = (state - sizeof(Preempted)) & ~std::uintptr_t{15};
  ASAN_UNPOISON_MEMORY_REGION(reinterpret_cast<void*>(at), top - at);
  std::memcpy(reinterpret_cast<void*>(state), context.uc_mcontext.fpregs, size);
  auto* saved = reinterpret_cast<Preempted*>(at);
  std::memcpy(static_cast<void*>(&saved->context), &context, kHostContextSize);
  saved->context.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(state);
  asm volatile("rdgsbase %0" : "=r"(saved->gs_base));

  registers[REG_RBX] = static_cast<greg_t>(at);
  registers[REG_RSP] = static_cast<greg_t>(at);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&nb_hosted_preempt);
}

void install_interrupt_handler();

void install_handlers() {
  install_interrupt_handler();
  struct sigaction action = {};
  action.sa_sigaction = on_fault_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, interrupt_signal());
  for (std::size_t i = 0; i < kFaultSignals.size(); ++i)
    NB_ASSERT(sigaction(kFaultSignals[i], &action, &previous_actions[i]) == 0);
  signal(SIGPIPE, SIG_IGN);
}

}  // namespace hosted
}  // namespace nebulet::machine
