// SPDX-License-Identifier: MIT
#include "machine/x86_64/tlb.h"

#include <atomic>

#include "machine/include/machine/cpu.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kManyPages = 32;  // beyond it dropping everything is cheaper

SpinLock g_lock;  ///< one request at a time
std::atomic<std::uint64_t> g_request = 0;
std::uint64_t g_at = 0, g_size = 0;  ///< of the request; written before g_request is

void drop(std::uint64_t at, std::uint64_t size) {
  if (size > kManyPages * kPage) {
    write_cr3(read_cr3());
    return;
  }
  for (std::uint64_t page = at; page < at + size; page += kPage)
    asm volatile("invlpg (%0)" ::"r"(page) : "memory");
}

}  // namespace

void answer_tlb_request() {
  // An answer in the interrupt between the two would be overwritten by the older one.
  const InterruptGuard guard;
  const std::uint64_t request = g_request.load(std::memory_order_acquire);  // pairs with flush_tlb
  Cpu& cpu = this_cpu();
  if (cpu.tlb_seen.load(std::memory_order_relaxed) == request) return;
  drop(g_at, g_size);
  cpu.tlb_seen.store(request, std::memory_order_release);  // pairs with the wait in flush_tlb
}

void join_tlb_requests() {
  // A CPU that took a translation away looks afterwards who is online: either it finds this one, or what
  // follows here finds the tables without the translation and the request.
  this_cpu().online.store(true, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  write_cr3(read_cr3());
  answer_tlb_request();
}

void flush_tlb(std::uint64_t at, std::uint64_t size) {
  drop(at, size);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with join_tlb_requests
  bool others = false;
  const std::uint32_t self = current_cpu();
  for (std::uint32_t i = 0; i < kMaxCpus; ++i)
    others |= i != self && cpu_at(i).online.load(std::memory_order_acquire);
  if (!others) return;
  SpinGuard guard(g_lock);
  g_at = at;
  g_size = size;
  const std::uint64_t request = g_request.load(std::memory_order_relaxed) + 1;
  cpu_at(self).tlb_seen.store(request, std::memory_order_relaxed);
  g_request.store(request, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with join_tlb_requests
  for (std::uint32_t i = 0; i < kMaxCpus; ++i) {
    Cpu& cpu = cpu_at(i);
    if (i != self && cpu.online.load(std::memory_order_acquire)) send_interrupt(cpu.apic_id, kTlb);
  }
  for (std::uint32_t i = 0; i < kMaxCpus; ++i) {
    Cpu& cpu = cpu_at(i);
    if (i == self || !cpu.online.load(std::memory_order_acquire)) continue;
    while (cpu.tlb_seen.load(std::memory_order_acquire) != request) spin_hint();
  }
}

}  // namespace nebulet::machine
