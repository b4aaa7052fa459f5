// SPDX-License-Identifier: MIT
#include "kernel/process/server.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {

/// From a state that only the calling thread may end; waits while the word is pinned.
void Server::change(std::uintptr_t from, std::uintptr_t to) {
  for (;;) {
    std::uintptr_t expected = from;
    if (visitor_.compare_exchange_weak(expected, to, std::memory_order_acq_rel)) return;
    machine::spin_hint();
  }
}

bool Server::take() {
  std::uintptr_t expected = kAbsent;
  return visitor_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire);
}

void Server::open(Thread& thread, wasm::Function& entry) {
  process_ = &thread.process();
  stack_ = &thread.stack();
  thread_number_ = thread.number();
  code_.prepare(*stack_, entry);
  wanted_.store(false, std::memory_order_relaxed);
  {
    const SpinGuard guard(lock_);
    thread_ = &thread;
  }
  change(kTaken, kFree);
}

Server::Closed Server::try_close() {
  wanted_.store(true, std::memory_order_seq_cst);  // before the look: who leaves after it sees it
  for (;;) {
    std::uintptr_t seen = kFree;
    if (visitor_.compare_exchange_strong(seen, kAbsent, std::memory_order_seq_cst)) break;
    if (seen == kFailed) return Closed::failed;
    if (seen != kPinned) return Closed::busy;
    machine::spin_hint();
  }
  const SpinGuard guard(lock_);  // who left last may be about to unpark the thread
  thread_ = nullptr;
  return Closed::closed;
}

void Server::give_up() {
  {
    const SpinGuard guard(lock_);
    thread_ = nullptr;
  }
  change(kFailed, kAbsent);
}

bool Server::enter(Thread& visitor) {
  std::uintptr_t expected = kFree;
  const auto self = reinterpret_cast<std::uintptr_t>(&visitor);
  // Acquire: what the serving thread prepared and the caller before left.
  return visitor_.compare_exchange_strong(expected, self, std::memory_order_seq_cst);
}

void Server::leave(Thread& visitor, bool failed) {
  const auto self = reinterpret_cast<std::uintptr_t>(&visitor);
  std::uintptr_t expected = self;
  const std::uintptr_t after = failed ? kFailed : kFree;
  if (!visitor_.compare_exchange_strong(expected, after, std::memory_order_seq_cst)) [[unlikely]]
    change(self, after);
  if (!failed && !wanted_.load(std::memory_order_seq_cst)) [[likely]]
    return;
  const SpinGuard guard(lock_);
  if (thread_ != nullptr) Scheduler::unpark(*thread_);
}

void Server::disturb() {
  const machine::InterruptGuard interrupts;  // who waits for the pin to go spins
  const std::uintptr_t inside = visitor_.fetch_or(kPinned, std::memory_order_acq_rel);
  if (inside != kFree && inside != kAbsent && inside != kTaken && inside != kFailed) {
    auto& visitor = *reinterpret_cast<Thread*>(inside);
    Scheduler::unpark(visitor);
    Scheduler::interrupt(visitor);
  }
  visitor_.fetch_and(~kPinned, std::memory_order_release);
}

}  // namespace nebulet::kernel
