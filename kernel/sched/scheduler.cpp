// SPDX-License-Identifier: MIT
#include "kernel/sched/scheduler.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/assert.h"
#include "kernel/sched/device_wait.h"
#include "kernel/sched/kernel_stacks.h"
#include "kernel/sched/spin_lock.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {

namespace intrusive = boost::intrusive;

/// The scheduler's data of one CPU. The lock is held across a switch of contexts: the task that goes on
/// releases it, so nobody sees a task as ready or parked before its registers are saved.
struct Cpu {
  using Sleepers =
      intrusive::multiset<Task,
                          intrusive::member_hook<Task, intrusive::set_member_hook<>, &Task::sleep_hook_>,
                          intrusive::key_of_value<Task::ByDeadline>>;
  using Alarms =
      intrusive::multiset<Alarm,
                          intrusive::member_hook<Alarm, intrusive::set_member_hook<>, &Alarm::alarm_hook_>,
                          intrusive::key_of_value<Alarm::ByDeadline>>;
  std::uint32_t index = 0;
  SpinLock lock;
  RunQueue queue;
  bool is_handing_off = false;  ///< a HandOff exists; for this CPU only
  Sleepers sleepers;
  Alarms alarms;
  Alarm* ringing = nullptr;
  machine::Context idle_context;
  Task* finished = nullptr;           ///< ended, and its stack is to be reused once nothing runs on it
  std::uint64_t timer_at = kForever;  ///< what the machine's timer was set to last, unless it came
  std::atomic<bool> idle = false;
  std::atomic<bool> wants_reschedule = false;

  /// nullptr: the idle task.
  Task* running() const { return static_cast<Task*>(queue.running()); }
};

namespace {

constexpr std::uint32_t kMaxCpus = 64;

/// Made by initialize: the kernel has no global constructors.
struct GlobalState {
  std::array<Cpu, kMaxCpus> cpus;
  WaitQueue device_waiters;
};
GlobalState* state = nullptr;
std::uint32_t cpu_count = 1;
std::atomic<std::uint64_t> slice = 10'000'000;
std::atomic<bool> stopping = false;

Cpu& this_cpu() { return *static_cast<Cpu*>(machine::cpu_local()); }

void trace_ready(const Task& task) {
  const auto* here = static_cast<const Cpu*>(machine::cpu_local());
  const Task* by = here != nullptr ? here->running() : nullptr;
  trace::ready(task.number(), by != nullptr ? by->number() : 0);
}

trace::Left why_left(RunQueue::Reason reason, bool is_dead) {
  switch (reason) {
    case RunQueue::Reason::over: return trace::Left::preempted;
    case RunQueue::Reason::yields: return trace::Left::yielded;
    case RunQueue::Reason::leaves: break;
  }
  return is_dead ? trace::Left::ended : trace::Left::waits;
}

}  // namespace

WaitQueue& device_waiters() { return state->device_waiters; }

void Scheduler::initialize(std::uint32_t cpus, std::uint64_t slice_ns) {
  cpu_count = std::min(cpus, kMaxCpus);
  slice = slice_ns;
  stopping = false;
  if (state == nullptr) state = new GlobalState;
  for (std::uint32_t i = 0; i < cpu_count; ++i) state->cpus[i].index = i;
  machine::set_cpu_local(&state->cpus[0]);
  for (std::uint32_t i = 1; i < cpu_count; ++i) {
    machine::start_cpu(
        i,
        [](void* cpu) {
          machine::set_cpu_local(cpu);
          run_idle();
        },
        &state->cpus[i]);
  }
}

void Scheduler::set_slice(std::uint64_t slice_ns) { slice = slice_ns; }
std::uint32_t Scheduler::cpus() { return cpu_count; }
std::size_t Scheduler::stack_left() {
  return static_cast<std::size_t>(static_cast<std::byte*>(__builtin_frame_address(0)) - current()->stack_);
}

// Kernel code is not preempted, so it stays on its CPU between two instructions.
Task* Scheduler::current() { return this_cpu().running(); }

bool Scheduler::wants_reschedule() { return this_cpu().wants_reschedule.load(std::memory_order_relaxed); }

bool Scheduler::prepare(Task& task) {
  task.stack_ = allocate_kernel_stack(task.stack_kind_);
  return task.stack_ != nullptr;
}

void Scheduler::discard(Task& task) {
  if (task.state_ == Task::State::created && task.stack_ != nullptr)
    free_kernel_stack(task.stack_, task.stack_kind_);
}

bool Scheduler::start(Task& task) {
  if (task.stack_ == nullptr && !prepare(task)) return false;
  machine::make_context(task.context_, task.stack_, kernel_stack_size(task.stack_kind_), task_entry, &task);
  Cpu* best = &state->cpus[0];
  for (std::uint32_t i = 1; i < cpu_count; ++i)
    if (state->cpus[i].queue.load() < best->queue.load()) best = &state->cpus[i];
  const machine::InterruptGuard interrupts;
  {
    const SpinGuard guard(best->lock);
    __atomic_store_n(&task.cpu_, best, __ATOMIC_RELEASE);  // pairs with unpark and interrupt
    make_ready(*best, task);
  }
  wake_for(*best);
  return true;
}

void Scheduler::task_entry(void* raw) {
  finish_switch();
  machine::enable_interrupts();
  static_cast<Task*>(raw)->run();
  reschedule(RunQueue::Reason::leaves, Task::State::dead);
  panic("an ended task went on");
}

/// With cpu.lock held; wake_for when it is not any more.
void Scheduler::make_ready(Cpu& cpu, Task& task) {
  task.state_ = Task::State::ready;
  cpu.queue.add(task, slice);
  if (cpu.queue.preempts(task)) cpu.wants_reschedule.store(true, std::memory_order_relaxed);
  if (trace::is_on()) [[unlikely]]
    trace_ready(task);
}

/// A task became ready on `cpu`. Without its lock, which who wakes up takes first. Interrupts off.
void Scheduler::wake_for(Cpu& cpu) {
  if (cpu.index != machine::current_cpu()) {
    machine::wake_cpu(cpu.index);
  } else if (cpu.running() != nullptr) {
    kick_idle_cpu();
  }
}

/// An idle CPU looks for tasks to steal when it wakes up.
void Scheduler::kick_idle_cpu() {
  for (std::uint32_t i = 0; i < cpu_count; ++i) {
    if (!state->cpus[i].idle.load()) continue;
    machine::wake_cpu(i);
    return;
  }
}

/// A ready task of another CPU, made the thief's own. No lock is held.
Task* Scheduler::steal(Cpu& thief) {
  for (std::uint32_t i = 1; i < cpu_count; ++i) {
    Cpu& victim = state->cpus[(thief.index + i) % cpu_count];
    if (victim.queue.load() < 2) continue;
    const SpinGuard guard(victim.lock);
    if (victim.running() == nullptr) continue;  // it is about to run the task itself
    auto* task = static_cast<Task*>(victim.queue.take_away(slice));
    if (task == nullptr) continue;
    __atomic_store_n(&task->cpu_, &thief, __ATOMIC_RELEASE);  // pairs with unpark and interrupt
    return task;
  }
  return nullptr;
}

/// Before the running task goes on: gets one that waits on another CPU though it has a higher level than all
/// here. No lock is held.
void Scheduler::pull(Cpu& cpu) {
  for (std::uint32_t i = 1; i < cpu_count; ++i) {
    Cpu& victim = state->cpus[(cpu.index + i) % cpu_count];
    if (!cpu.queue.wants(victim.queue.highest_ready())) continue;
    const machine::InterruptGuard interrupts;
    Task* task = nullptr;
    {
      const SpinGuard guard(victim.lock);
      if (victim.running() == nullptr || !cpu.queue.wants(victim.queue.highest_ready())) continue;
      task = static_cast<Task*>(victim.queue.take_away(slice));
      if (task == nullptr) continue;
      __atomic_store_n(&task->cpu_, &cpu, __ATOMIC_RELEASE);  // pairs with unpark and interrupt
    }
    const SpinGuard guard(cpu.lock);
    cpu.queue.add(*task, slice);
    return;
  }
}

/// With cpu.lock held, on that CPU. A timer that comes too early finds nothing to do and is set again, so it
/// is set only to come earlier: switching between tasks does not touch it. An idle CPU without sleepers and
/// alarms has none, once the last has come.
void Scheduler::arm_timer(Cpu& cpu) {
  std::uint64_t next = cpu.running() != nullptr ? cpu.queue.slice_end() : kForever;
  if (!cpu.sleepers.empty()) next = std::min(next, cpu.sleepers.begin()->deadline_);
  if (!cpu.alarms.empty()) next = std::min(next, cpu.alarms.begin()->deadline_);
  if (trace::is_sampling() && cpu.running() != nullptr) [[unlikely]]
    next = std::min(next, trace::next_sample());
  if (next >= cpu.timer_at) return;
  cpu.timer_at = next;
  machine::set_timer(next);
}

/// With cpu.lock held.
void Scheduler::wake_sleepers(Cpu& cpu) {
  if (cpu.sleepers.empty()) return;
  const std::uint64_t now = machine::monotonic_ns();
  while (!cpu.sleepers.empty() && cpu.sleepers.begin()->deadline_ <= now) {
    Task& task = *cpu.sleepers.begin();
    cpu.sleepers.erase(cpu.sleepers.begin());
    make_ready(cpu, task);
  }
}

/// Interrupts off, no locks held: an alarm may take those of objects.
void Scheduler::ring_alarms(Cpu& cpu) {
  for (;;) {
    Alarm* alarm = nullptr;
    const std::uint64_t now = machine::monotonic_ns();
    {
      const SpinGuard guard(cpu.lock);
      if (cpu.alarms.empty() || cpu.alarms.begin()->deadline_ > now) return;
      alarm = &*cpu.alarms.begin();
      cpu.alarms.erase(cpu.alarms.begin());
      cpu.ringing = alarm;
    }
    const std::uint64_t next = alarm->ring(now);
    const SpinGuard guard(cpu.lock);
    cpu.ringing = nullptr;
    if (next == kForever) continue;
    alarm->deadline_ = next;
    cpu.alarms.insert(*alarm);
  }
}

void Scheduler::set_alarm(Alarm& alarm, std::uint64_t deadline) {
  const machine::InterruptGuard interrupts;
  Cpu& cpu = this_cpu();
  const SpinGuard guard(cpu.lock);
  alarm.cpu_ = &cpu;
  alarm.deadline_ = deadline;
  cpu.alarms.insert(alarm);
  arm_timer(cpu);
}

void Scheduler::cancel_alarm(Alarm& alarm) {
  if (alarm.cpu_ == nullptr) return;  // never set
  Cpu& cpu = *alarm.cpu_;
  for (;;) {
    {
      const SpinGuard guard(cpu.lock);
      if (alarm.alarm_hook_.is_linked()) {
        cpu.alarms.erase(cpu.alarms.iterator_to(alarm));
        return;
      }
      if (cpu.ringing != &alarm) return;
    }
    machine::spin_hint();
  }
}

// The running task lets others run, or goes on at once. Clang cannot follow a lock that another context
// releases.
[[clang::no_thread_safety_analysis]] void Scheduler::reschedule(RunQueue::Reason reason,
                                                                Task::State next_state,
                                                                std::uint64_t deadline) {
  const machine::InterruptGuard interrupts;
  Cpu& cpu = this_cpu();
  cpu.lock.lock();
  Task& task = *cpu.running();
  cpu.wants_reschedule.store(false, std::memory_order_relaxed);
  if (next_state == Task::State::parked && task.token_) {
    task.token_ = false;
    cpu.lock.unlock();
    return;
  }
  auto* next = static_cast<Task*>(cpu.queue.next(reason, machine::monotonic_ns(), slice));
  if (next == &task) {
    arm_timer(cpu);
    cpu.lock.unlock();
    return;
  }
  task.state_ = next_state;
  if (next_state == Task::State::dead) cpu.finished = &task;
  if (next_state == Task::State::parked && deadline != kForever) {
    task.deadline_ = deadline;
    cpu.sleepers.insert(task);
  }
  if (next != nullptr) next->state_ = Task::State::running;
  arm_timer(cpu);
  if (trace::is_on()) [[unlikely]]
    trace::switched(task.number_, next != nullptr ? next->number_ : 0,
                    why_left(reason, next_state == Task::State::dead));
  machine::switch_context(task.context_, next != nullptr ? next->context_ : cpu.idle_context);
  finish_switch();
}

// The first thing that a context does when it goes on: the lock was taken by the context before it.
[[clang::no_thread_safety_analysis]] void Scheduler::finish_switch() {
  Cpu& cpu = this_cpu();
  Task* finished = cpu.finished;
  cpu.finished = nullptr;
  cpu.lock.unlock();
  if (finished == nullptr) return;
  free_kernel_stack(finished->stack_, finished->stack_kind_);
  finished->finished();
}

[[clang::no_thread_safety_analysis]] void Scheduler::run_idle() {
  for (;;) {
    machine::disable_interrupts();
    Cpu& cpu = this_cpu();
    if (cpu.index == 0 && stopping.exchange(false)) return machine::enable_interrupts();
    cpu.idle.store(true);  // before looking for work: kick_idle_cpu after it is not lost
    ring_alarms(cpu);
    cpu.lock.lock();
    wake_sleepers(cpu);
    Runnable* next = cpu.queue.begin(machine::monotonic_ns(), slice);
    if (next == nullptr) {
      cpu.lock.unlock();
      Task* stolen = steal(cpu);
      cpu.lock.lock();
      if (stolen != nullptr) next = cpu.queue.begin(*stolen, machine::monotonic_ns(), slice);
    }
    if (next == nullptr) {
      arm_timer(cpu);
      cpu.lock.unlock();
      if (trace::is_observing()) [[unlikely]]
        trace::flush();
      machine::wait_for_interrupt();
      state->device_waiters.wake_all();
      continue;
    }
    auto& task = static_cast<Task&>(*next);
    task.state_ = Task::State::running;
    cpu.idle.store(false);
    arm_timer(cpu);
    if (trace::is_on()) [[unlikely]]
      trace::switched(0, task.number_, trace::Left::waits);
    machine::switch_context(cpu.idle_context, task.context_);
    finish_switch();
  }
}

void Scheduler::stop() {
  stopping = true;
  machine::wake_cpu(0);
}

void Scheduler::yield() { reschedule(RunQueue::Reason::yields, Task::State::ready); }
// With the lock, since other CPUs look at the share of who runs here.
void Scheduler::leave_share() {
  const machine::InterruptGuard interrupts;
  Cpu& cpu = this_cpu();
  const SpinGuard guard(cpu.lock);
  cpu.queue.running()->set_share(nullptr);
}

void Scheduler::end_slice() {
  pull(this_cpu());
  reschedule(RunQueue::Reason::over, Task::State::ready);
}
void Scheduler::park_until(std::uint64_t deadline) {
  reschedule(RunQueue::Reason::leaves, Task::State::parked, deadline);
}

void Scheduler::unpark(Task& task) {
  const machine::InterruptGuard interrupts;
  auto* const here = static_cast<Cpu*>(machine::cpu_local());
  const bool to_here = here != nullptr && here->is_handing_off;
  for (;;) {
    // The task may be stolen while the lock is waited for. Ready tasks only: its CPU is settled once it is
    // parked or running there.
    Cpu* settled = __atomic_load_n(&task.cpu_, __ATOMIC_ACQUIRE);
    if (settled == nullptr) return;  // not started yet
    Cpu& cpu = *settled;
    {
      const SpinGuard guard(cpu.lock);
      if (__atomic_load_n(&task.cpu_, __ATOMIC_ACQUIRE) != &cpu) continue;
      if (task.state_ != Task::State::parked) {
        task.token_ = true;
        return;
      }
      if (task.sleep_hook_.is_linked()) cpu.sleepers.erase(cpu.sleepers.iterator_to(task));
      if (to_here) {  // nobody else changes a task that is ready and in no queue
        task.state_ = Task::State::ready;
        __atomic_store_n(&task.cpu_, here, __ATOMIC_RELEASE);
        if (trace::is_on()) [[unlikely]]
          trace_ready(task);
      } else {
        make_ready(cpu, task);
      }
    }
    if (!to_here) return wake_for(cpu);
    bool others_may_help = false;
    {
      const SpinGuard guard(here->lock);
      others_may_help = !here->queue.hand(task, slice);
      if (here->queue.preempts(task)) here->wants_reschedule.store(true, std::memory_order_relaxed);
    }
    if (others_may_help) kick_idle_cpu();
    return;
  }
}

Scheduler::HandOff::HandOff() {
  if (auto* cpu = static_cast<Cpu*>(machine::cpu_local())) cpu->is_handing_off = cpu->running() != nullptr;
}
Scheduler::HandOff::~HandOff() {
  if (auto* cpu = static_cast<Cpu*>(machine::cpu_local())) cpu->is_handing_off = false;
}

void Scheduler::sleep_until(std::uint64_t deadline) {
  while (machine::monotonic_ns() < deadline) park_until(deadline);
}

void Scheduler::interrupt(Task& task) {
  const machine::InterruptGuard interrupts;
  Cpu* cpu = __atomic_load_n(&task.cpu_, __ATOMIC_ACQUIRE);
  if (cpu == nullptr) return;  // not started yet
  cpu->wants_reschedule.store(true, std::memory_order_relaxed);
  if (cpu->index != machine::current_cpu()) machine::wake_cpu(cpu->index);
}

void Scheduler::priority_changed(Task& task) {
  for (;;) {
    Cpu* cpu = __atomic_load_n(&task.cpu_, __ATOMIC_ACQUIRE);
    if (cpu == nullptr) return;  // not started yet
    const SpinGuard guard(cpu->lock);
    if (__atomic_load_n(&task.cpu_, __ATOMIC_ACQUIRE) != cpu) continue;
    cpu->queue.requeue(task, slice);
    break;
  }
  interrupt(task);  // the CPU looks again who is first
}

std::uint64_t Scheduler::cpu_ns(const Task& task) {
  const machine::InterruptGuard interrupts;
  const Cpu& cpu = this_cpu();
  return task.Runnable::cpu_ns() +
         (cpu.running() == &task ? machine::monotonic_ns() - cpu.queue.counted_at() : 0);
}

bool Scheduler::on_timer() {
  auto* cpu = static_cast<Cpu*>(machine::cpu_local());
  if (cpu == nullptr) return false;
  cpu->timer_at = kForever;  // or another CPU wanted something: it is set again all the same
  if (cpu->running() == nullptr) return false;  // idle looks itself
  ring_alarms(*cpu);
  bool others_wait = false;
  {
    const SpinGuard guard(cpu->lock);
    wake_sleepers(*cpu);
    const std::uint64_t now = machine::monotonic_ns();
    others_wait = cpu->queue.has_ready();
    if (cpu->queue.tick(now, slice)) cpu->wants_reschedule.store(true, std::memory_order_relaxed);
    arm_timer(*cpu);
  }
  if (others_wait) kick_idle_cpu();
  state->device_waiters.wake_all();
  return cpu->wants_reschedule.load(std::memory_order_relaxed);
}

}  // namespace nebulet::kernel
