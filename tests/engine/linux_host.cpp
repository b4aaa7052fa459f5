// SPDX-License-Identifier: MIT
#include "tests/engine/linux_host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>

#include "wasm/runtime/fault.h"

#if __has_feature(address_sanitizer)
// Threads have signal stacks of their own, which ASan would unmap when they end.
extern "C" const char* __asan_default_options() { return "use_sigaltstack=0"; }
#endif

namespace nebulet::test {
namespace {

int flags_of(wasm::Host::Protection protection) {
  switch (protection) {
    case wasm::Host::Protection::none: return PROT_NONE;
    case wasm::Host::Protection::read: return PROT_READ;
    case wasm::Host::Protection::read_write: return PROT_READ | PROT_WRITE;
    case wasm::Host::Protection::execute: return PROT_READ | PROT_EXEC;
  }
  return PROT_NONE;
}

// Position of each of the processor's register numbers in Linux's signal frame.
constexpr int kLinuxRegister[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

void on_signal(int signal, siginfo_t* info, void* raw) {
  auto& registers = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
  std::uint64_t gpr[16];
  for (int i = 0; i < 16; ++i) gpr[i] = static_cast<std::uint64_t>(registers[kLinuxRegister[i]]);
  auto pc = static_cast<std::uint64_t>(registers[REG_RIP]);
  wasm::Fault fault{.gpr = gpr, .pc = &pc};
  fault.address = reinterpret_cast<std::uint64_t>(info->si_addr);
  fault.write = (registers[REG_ERR] & 2) != 0;
  fault.cause = signal == SIGFPE   ? wasm::Fault::Cause::divide
                : signal == SIGILL ? wasm::Fault::Cause::invalid_opcode
                                   : wasm::Fault::Cause::memory;
  const wasm::FaultResult result = wasm::handle_fault(fault);
  if (result == wasm::FaultResult::not_ours) {
    char text[160];
    const int length =
        snprintf(text, sizeof text, "engine: signal %d at pc %#llx, address %#llx, r15 %#llx, rsp %#llx\n",
                 signal, static_cast<unsigned long long>(pc), static_cast<unsigned long long>(fault.address),
                 static_cast<unsigned long long>(gpr[15]), static_cast<unsigned long long>(gpr[4]));
    if (write(2, text, static_cast<size_t>(length)) < 0) _exit(98);
    ::signal(signal, SIG_DFL);  // the instruction faults again and ends the process
    return;
  }
  for (int i = 0; i < 16; ++i) registers[kLinuxRegister[i]] = static_cast<greg_t>(gpr[i]);
  registers[REG_RIP] = static_cast<greg_t>(pc);
}

alignas(16) thread_local char g_signal_stack[128 * 1024];

}  // namespace

std::byte* LinuxHost::reserve(std::uint64_t size, std::uint64_t align) {
  void* raw = mmap(nullptr, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uint64_t>(raw);
  const std::uint64_t base = (begin + align - 1) & ~(align - 1);
  if (base > begin) munmap(raw, base - begin);
  munmap(reinterpret_cast<void*>(base + size), begin + align - base);
  return reinterpret_cast<std::byte*>(base);
}

void LinuxHost::release(std::byte* base, std::uint64_t size) { munmap(base, size); }

std::optional<std::uint64_t> LinuxHost::commit(std::byte* at, std::uint64_t size, Protection protection) {
  if (mprotect(at, size, flags_of(protection)) != 0) return std::nullopt;
  return size;  // at most: it keeps no account of pages
}

std::uint64_t LinuxHost::decommit(std::byte* at, std::uint64_t size) {
  mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  return 0;  // it keeps no account of pages
}

void LinuxHost::protect(std::byte* at, std::uint64_t size, Protection protection) {
  mprotect(at, size, flags_of(protection));
}

void LinuxHost::write_protected(std::byte* to, std::span<const std::byte> bytes) {
  // A process has one mapping only; the kernel writes through another and never makes code writable.
  const auto begin = reinterpret_cast<std::uint64_t>(to) & ~4095ull;
  const std::uint64_t size = (reinterpret_cast<std::uint64_t>(to) + bytes.size() + 4095 - begin) & ~4095ull;
  // Code and rodata are written once before they are used, so it is enough to know whether it is code.
  mprotect(reinterpret_cast<void*>(begin), size, PROT_READ | PROT_WRITE);
  memcpy(to, bytes.data(), bytes.size());
  mprotect(reinterpret_cast<void*>(begin), size, PROT_READ | PROT_EXEC);
}

bool LinuxHost::charge(std::uint64_t bytes) {
  std::uint64_t charged = charged_;
  do {
    if (bytes > quota_ - charged) return false;
  } while (!charged_.compare_exchange_weak(charged, charged + bytes));
  return true;
}

namespace {

struct Waiter {
  const std::byte* at;
  bool woken = false;
  std::condition_variable wake;
};
std::mutex g_waiters_lock;
std::list<Waiter*>& waiters() {
  static std::list<Waiter*> list;
  return list;
}

}  // namespace

wasm::Host::Waited LinuxHost::wait(const std::byte* at, unsigned bytes, std::uint64_t expected,
                                   std::int64_t timeout_ns) {
  std::unique_lock lock(g_waiters_lock);
  const std::uint64_t found =
      bytes == 8 ? __atomic_load_n(reinterpret_cast<const std::uint64_t*>(at), __ATOMIC_SEQ_CST)
                 : __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at), __ATOMIC_SEQ_CST);
  if (found != expected) return Waited::not_equal;
  Waiter self{.at = at, .woken = false, .wake = {}};
  const auto place = waiters().insert(waiters().end(), &self);
  auto woken = [&] { return self.woken; };
  if (timeout_ns < 0)
    self.wake.wait(lock, woken);
  else
    self.wake.wait_for(lock, std::chrono::nanoseconds(std::min<std::int64_t>(timeout_ns, INT64_MAX / 4)),
                       woken);
  if (self.woken) return Waited::woken;
  waiters().erase(place);
  return Waited::timed_out;
}

std::uint32_t LinuxHost::notify(const std::byte* at, std::uint32_t count) {
  std::lock_guard lock(g_waiters_lock);
  std::uint32_t woken = 0;
  for (auto i = waiters().begin(); i != waiters().end() && woken < count;) {
    Waiter& waiter = **i;
    if (waiter.at != at) {
      ++i;
      continue;
    }
    i = waiters().erase(i);
    waiter.woken = true;
    waiter.wake.notify_one();
    ++woken;
  }
  return woken;
}

void catch_faults() {
  stack_t stack{};
  stack.ss_sp = g_signal_stack;
  stack.ss_size = sizeof g_signal_stack;
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  bool ok = sigaltstack(&stack, nullptr) == 0;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    ok = ok && sigaction(signal, &action, nullptr) == 0;
  if (!ok) abort();
}

}  // namespace nebulet::test
