// SPDX-License-Identifier: MIT
// Runs tasks on CPUs: for each CPU a queue of ready tasks, which decides who is next (run_queue.h), and one
// of sleepers; idle CPUs steal. Kernel code is never preempted: the timer preempts wasm code, and sets a flag
// that is looked at when a kernel call ends.
#pragma once

#include <cstdint>

#include "kernel/sched/alarm.h"
#include "kernel/sched/task.h"

namespace nebulet::kernel {

constexpr std::uint64_t kForever = ~0ull;

class Scheduler {
 public:
  /// On the boot CPU, once. `slice_ns` is the length of a time slice.
  static void initialize(std::uint32_t cpus, std::uint64_t slice_ns);
  /// Changes the length of time slices, from each CPU's next slice on.
  static void set_slice(std::uint64_t slice_ns);
  /// Makes the calling flow of control the idle task of its CPU and runs tasks. Returns on CPU 0 after
  /// stop(), never on others.
  static void run_idle();
  /// Ends run_idle of CPU 0.
  static void stop();
  static std::uint32_t cpus();

  /// Gives a new task its stack. False: no memory.
  static bool prepare(Task& task);
  /// Makes a new task ready on the least loaded CPU. False: it was not prepared and there is no memory.
  static bool start(Task& task);
  /// Takes the stack of a task back that was prepared and never started.
  static void discard(Task& task);
  /// The running task; nullptr when idle.
  static Task* current();
  /// How much of its stack the running task has left.
  static std::size_t stack_left();

  /// Runs others that are ready first.
  static void yield();
  /// What wants_reschedule asks for: runs others that are ready and have a better claim (run_queue.h).
  static void end_slice();
  /// The running task's time counts for its own share from now on: the one it had may end.
  static void leave_share();
  /// Waits until unpark(this task), or returns at once if that was called since the last park; may also
  /// return early. `deadline` is monotonic time.
  static void park_until(std::uint64_t deadline);
  static void park() { park_until(kForever); }
  static void unpark(Task& task);
  /// As long as one exists, tasks that are unparked come to this CPU and run next, when the running task
  /// waits or its slice is over. For a short time, with interrupts off.
  class HandOff {
   public:
    HandOff();
    ~HandOff();
    HandOff(const HandOff&) = delete;
    HandOff& operator=(const HandOff&) = delete;
  };
  static void sleep_until(std::uint64_t deadline);

  /// Lets `alarm` ring at the monotonic time `deadline`, on this CPU. It must not be set.
  static void set_alarm(Alarm& alarm, std::uint64_t deadline);
  /// Afterwards the alarm is not set and not ringing. Not from its own ring().
  static void cancel_alarm(Alarm& alarm);

  /// The current CPU's flag: the slice is over or somebody wants this CPU's attention.
  static bool wants_reschedule();
  /// Makes the CPU that runs `task`, if any, come into the kernel soon.
  static void interrupt(Task& task);
  /// The priority of the task's share changed: takes effect at once. The task does not end meanwhile.
  static void priority_changed(Task& task);
  /// Processor time of `task` including the current slice, if it is the running task.
  static std::uint64_t cpu_ns(const Task& task);

  /// The machine's timer interrupt: wakes sleepers, ends slices. True: the interrupted task should be
  /// rescheduled.
  static bool on_timer();

 private:
  static void reschedule(RunQueue::Reason reason, Task::State state, std::uint64_t deadline = kForever);
  static Task* steal(Cpu& thief);
  static void pull(Cpu& cpu);
  static void finish_switch();
  static void make_ready(Cpu& cpu, Task& task);
  static void wake_for(Cpu& cpu);
  static void arm_timer(Cpu& cpu);
  static void wake_sleepers(Cpu& cpu);
  static void ring_alarms(Cpu& cpu);
  static void kick_idle_cpu();
  static void task_entry(void* raw);
};

}  // namespace nebulet::kernel
