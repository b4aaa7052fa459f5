// SPDX-License-Identifier: MIT
// CPUs as host threads; interrupts as a signal.
#include "machine/include/machine/cpu.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <utility>

#include "base/assert.h"
#include "machine/hosted/state.h"
#include "machine/include/machine/time.h"
#include "machine/include/machine/upcalls.h"

extern "C" void nb_hosted_restorer();

namespace nebulet::machine {
namespace hosted {
namespace {

[[maybe_unused]] constexpr unsigned long kSaRestorer = 0x04000000;  // SA_RESTORER of the host's signal.h
/// Under TSan an interrupt may be left pending while interrupts are on; the timer then comes again.
[[maybe_unused]] constexpr long kTsanRepeat = 1'000'000;

Cpu cpus[kMaxCpus];
thread_local Cpu* current = nullptr;

#if __has_feature(thread_sanitizer)
constexpr bool kTsan = true;
#else
constexpr bool kTsan = false;
#endif

/// Whether `sp` may be that of code which TSan has instrumented: its runtime cannot be entered again while it
/// is in itself. Code on a wasm stack is never in it.
[[clang::disable_sanitizer_instrumentation]] bool may_be_in_tsan(const Cpu& cpu, std::uintptr_t sp) {
  return kTsan && (cpu.stack_size == 0 || sp - cpu.stack_bottom < cpu.stack_size);
}

void send_wake(std::uint32_t index) {
  const pid_t tid = cpus[index].tid;
  if (tid != 0) syscall(SYS_tgkill, getpid(), tid, interrupt_signal());
}

/// Interrupts are off.
void send_wakes(Cpu& cpu) {
  for (std::uint64_t left = std::exchange(cpu.to_wake, 0); left != 0; left &= left - 1)
    send_wake(static_cast<std::uint32_t>(std::countr_zero(left)));
}

[[clang::disable_sanitizer_instrumentation]] void on_interrupt(int, siginfo_t*, void* raw) {
  Cpu* cpu = current;
  if (cpu == nullptr) return;
  auto& context = *static_cast<ucontext_t*>(raw);
  if (!cpu->enabled ||
      may_be_in_tsan(*cpu, static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]))) {
    cpu->pending = 1;
    return;
  }
  cpu->enabled = 0;
  if (kernel::on_timer({.pc = static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]),
                        .sp = static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RSP])}))
    redirect_to_preempt(context);
  send_wakes(*cpu);
  cpu->enabled = 1;
}

void* run_cpu(void* raw) {
  Cpu& cpu = *static_cast<Cpu*>(raw);
  adopt_cpu(cpu.index);
  enable_interrupts();
  cpu.entry(cpu.argument);
  return nullptr;
}

}  // namespace

// Not inlined, here and below: a kernel thread may go on on another host thread, and the compiler would keep
// the address of the old one's thread-local variables.
[[gnu::noinline]] Cpu& this_cpu() {
  asm volatile("");
  return *current;
}

[[gnu::noinline]] Cpu* current_or_null() {
  asm volatile("");
  return current;
}

int interrupt_signal() { return SIGRTMIN + 1; }

void adopt_cpu(std::uint32_t index) {
  Cpu& cpu = cpus[index];
  cpu.index = index;
  cpu.tid = static_cast<pid_t>(syscall(SYS_gettid));
  cpu.signal_stack =
      mmap(nullptr, kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  NB_ASSERT(cpu.signal_stack != MAP_FAILED);
  const stack_t stack = {.ss_sp = cpu.signal_stack, .ss_flags = 0, .ss_size = kSignalStack};
  NB_ASSERT(sigaltstack(&stack, nullptr) == 0);

  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = interrupt_signal();
  event._sigev_un._tid = cpu.tid;
  NB_ASSERT(timer_create(CLOCK_MONOTONIC, &event, &cpu.timer) == 0);
  current = &cpu;
}

void install_interrupt_handler() {
  struct sigaction action = {};
  action.sa_sigaction = on_interrupt;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
#if __has_feature(thread_sanitizer)
  // TSan's sigaction would hold signals back until a call of the C library, and wasm code makes none.
  struct {
    void (*handler)(int, siginfo_t*, void*);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
  } const raw = {on_interrupt, static_cast<unsigned long>(action.sa_flags) | kSaRestorer, nb_hosted_restorer,
                 0};
  NB_ASSERT(syscall(SYS_rt_sigaction, interrupt_signal(), &raw, nullptr, sizeof(raw.mask)) == 0);
#else
  NB_ASSERT(sigaction(interrupt_signal(), &action, nullptr) == 0);
#endif
}

}  // namespace hosted

using hosted::this_cpu;

std::uint32_t current_cpu() { return this_cpu().index; }
void* cpu_local() { return this_cpu().local; }
void set_cpu_local(void* value) { this_cpu().local = value; }

void start_cpu(std::uint32_t index, void (*entry)(void*), void* argument) {
  NB_ASSERT(index > 0 && index < hosted::kMaxCpus);
  hosted::Cpu& cpu = hosted::cpus[index];
  cpu.index = index;
  cpu.entry = entry;
  cpu.argument = argument;
  NB_ASSERT(pthread_create(&cpu.thread, nullptr, hosted::run_cpu, &cpu) == 0);
}

bool interrupts_enabled() { return this_cpu().enabled != 0; }

void disable_interrupts() {
  this_cpu().enabled = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void enable_interrupts() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  hosted::Cpu& cpu = this_cpu();
  for (;;) {
    if (cpu.to_wake != 0) hosted::send_wakes(cpu);
    cpu.enabled = 1;
    if (!cpu.pending) return;
    cpu.enabled = 0;
    cpu.pending = 0;
    kernel::on_timer({});
  }
}

void wait_for_interrupt() {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, hosted::interrupt_signal());
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  hosted::Cpu& cpu = this_cpu();
  hosted::send_wakes(cpu);
  if (!cpu.pending) {
    // ppoll lets the signal in and sleeps in one step.
    pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const bool watch = hosted::input_wanted().load(std::memory_order_relaxed);
    ppoll(&input, watch ? 1 : 0, nullptr, &before);
    if (input.revents != 0) hosted::input_wanted().store(false, std::memory_order_relaxed);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  enable_interrupts();
}

// Who wakes often holds a lock that the woken will want. The host may run the woken at once in place of the
// waker, so the signal is not sent before the locks are free.
void wake_cpu(std::uint32_t index) {
  hosted::Cpu* cpu = hosted::current_or_null();
  if (cpu != nullptr && !cpu->enabled) {
    cpu->to_wake |= 1ull << index;
  } else {
    hosted::send_wake(index);
  }
}

void set_timer(std::uint64_t deadline_ns) {
  if (deadline_ns == 0) deadline_ns = 1;  // 0 would disarm
  itimerspec when = {};
  when.it_value.tv_sec = static_cast<time_t>(deadline_ns / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(deadline_ns % 1'000'000'000);
  if (hosted::kTsan) when.it_interval.tv_nsec = hosted::kTsanRepeat;
  timer_settime(this_cpu().timer, TIMER_ABSTIME, &when, nullptr);
}

}  // namespace nebulet::machine
