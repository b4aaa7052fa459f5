// SPDX-License-Identifier: MIT
// What the scheduler runs: a kernel stack with a suspended context. Threads of processes and the kernel's own
// threads are tasks.
#pragma once

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>

#include "machine/include/machine/context.h"

namespace nebulet::kernel {

struct Cpu;

/// Whom processor time counts for: who has used least goes first. Tasks that share one share time.
struct Share {
  /// Nanoseconds; raised to what others have when nobody used it for a while, so that time is not saved up.
  std::atomic<std::uint64_t> used = 0;
};

/// Lifetime: from start() until finished() was called, which the scheduler does when nothing runs on the
/// stack any more.
class Task {
 public:
  static constexpr std::size_t kStackSize = 256 * 1024;

  Task() = default;
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// The body; the task ends when it returns.
  virtual void run() = 0;
  /// The task has ended and its stack is free. May delete the task. Interrupts are off; must not block.
  virtual void finished() = 0;

  /// Time counts for `share` from now on; nullptr: the task's own. By the task itself or before it starts.
  void set_share(Share* share) { share_ = share != nullptr ? share : &own_share_; }

  /// Processor time used, without the current slice.
  std::uint64_t cpu_ns() const { return cpu_ns_; }

 private:
  friend class Scheduler;
  friend struct Cpu;
  enum class State : std::uint8_t { created, ready, running, parked, dead };

  machine::Context context_;
  std::byte* stack_ = nullptr;
  // Under the lock of cpu_.
  Cpu* cpu_ = nullptr;
  State state_ = State::created;
  bool token_ = false;  ///< unparked since the last park
  std::uint64_t deadline_ = 0;
  std::uint64_t turn_ = 0;                 ///< ready: the lowest is next
  std::atomic<std::uint64_t> cpu_ns_ = 0;  ///< read by other CPUs too
  Share own_share_;
  Share* share_ = &own_share_;

 public:  // Boost needs to name them; only the scheduler uses them.
  boost::intrusive::set_member_hook<> ready_hook_;
  boost::intrusive::set_member_hook<> sleep_hook_;
  struct ByTurn {
    using type = std::uint64_t;
    std::uint64_t operator()(const Task& task) const { return task.turn_; }
  };
  struct ByDeadline {
    using type = std::uint64_t;
    std::uint64_t operator()(const Task& task) const { return task.deadline_; }
  };
};

}  // namespace nebulet::kernel
