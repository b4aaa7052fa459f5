// SPDX-License-Identifier: MIT
// What the scheduler runs: a kernel stack with a suspended context. Threads of processes and the kernel's own
// threads are tasks.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>

#include "kernel/sched/kernel_stacks.h"
#include "kernel/sched/run_queue.h"
#include "kernel/trace/trace.h"
#include "machine/include/machine/context.h"

namespace nebulet::kernel {

struct Cpu;
class Thread;

/// Lifetime: from start() until finished() was called, which the scheduler does when nothing runs on the
/// stack any more.
class Task : public Runnable {
 public:
  explicit Task(StackKind stack_kind = StackKind::large)
      : number_(trace::is_observing() ? trace::next_thread() : 0), stack_kind_(stack_kind) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// The body; the task ends when it returns.
  virtual void run() = 0;
  /// What it is, if it is one of a process.
  virtual Thread* as_thread() { return nullptr; }
  /// For the tracer and the profiler; 0 without them.
  std::uint32_t number() const { return number_; }
  /// The task has ended and its stack is free. May delete the task. Interrupts are off; must not block.
  virtual void finished() = 0;

 private:
  friend class Scheduler;
  friend struct Cpu;
  enum class State : std::uint8_t { created, ready, running, parked, dead };

  const std::uint32_t number_;
  machine::Context context_;
  std::byte* stack_ = nullptr;
  const StackKind stack_kind_;
  // Under the lock of cpu_.
  Cpu* cpu_ = nullptr;
  State state_ = State::created;
  bool token_ = false;  ///< unparked since the last park
  std::uint64_t deadline_ = 0;

 public:  // Boost needs to name them; only the scheduler uses them.
  boost::intrusive::set_member_hook<> sleep_hook_;
  struct ByDeadline {
    using type = std::uint64_t;
    std::uint64_t operator()(const Task& task) const { return task.deadline_; }
  };
};

}  // namespace nebulet::kernel
