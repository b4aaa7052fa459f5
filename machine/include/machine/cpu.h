// SPDX-License-Identifier: MIT
// CPUs: who am I, per-CPU data, interrupts, idling.
#pragma once

#include <cstdint>

namespace nebulet::machine {

/// Index of the running CPU, 0 … cpus - 1.
std::uint32_t current_cpu();
/// One pointer for each CPU that the kernel owns.
void* cpu_local();
void set_cpu_local(void* value);

/// Starts CPU `index` (1 … cpus - 1), which then calls entry(argument) on a stack of its own with interrupts
/// on.
void start_cpu(std::uint32_t index, void (*entry)(void*), void* argument);

/// Interrupts of this CPU; hosted: whether the timer and wake-up signals are held back.
bool interrupts_enabled();
void enable_interrupts();
void disable_interrupts();

/// Turns interrupts off for a scope and restores what was there.
class InterruptGuard {
 public:
  InterruptGuard() : was_enabled_(interrupts_enabled()) { disable_interrupts(); }
  ~InterruptGuard() {
    if (was_enabled_) enable_interrupts();
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  const bool was_enabled_;
};

/// Sleeps until an interrupt (timer, device, wake_cpu) arrived; may return early. Called with interrupts off:
/// it turns them on and sleeps in one step (`sti; hlt`), so that an interrupt that came before ends the sleep
/// at once. Returns with interrupts on.
void wait_for_interrupt();
/// Makes CPU `index` leave wait_for_interrupt, or enter on_timer if it runs wasm code.
void wake_cpu(std::uint32_t index);
inline void spin_hint() { __builtin_ia32_pause(); }

}  // namespace nebulet::machine
