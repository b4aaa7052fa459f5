// SPDX-License-Identifier: MIT
// For tests: a body of code as the first task of a kernel with several CPUs, on the machine that the test is
// linked to.
#pragma once

#include <functional>

#include "kernel/sched/scheduler.h"
#include "machine/hosted/hosted.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {

/// A task made of a function; whoever made it waits for `ended`.
class TestTask final : public Task {
 public:
  explicit TestTask(std::function<void()> body, std::function<void()> at_end = {})
      : body_(std::move(body)), at_end_(std::move(at_end)) {}
  std::atomic<bool> ended = false;

 private:
  void run() override { body_(); }
  void finished() override {
    if (at_end_) at_end_();
    ended = true;  // last: the task may be gone after it
  }
  std::function<void()> body_, at_end_;
};

/// Runs `body` in kernel context and returns when it ended. Time slices of 1 ms; as many CPUs as the first
/// call says.
inline void in_kernel(std::function<void()> body, std::uint32_t cpus = 3) {
  static const bool initialized = [cpus] {
    machine::prepare_hosted({.memory_bytes = 1ull << 30, .cpus = cpus});
    Scheduler::initialize(cpus, 1'000'000);
    return true;
  }();
  (void)initialized;
  TestTask task(std::move(body), [] { Scheduler::stop(); });
  Scheduler::start(task);
  Scheduler::run_idle();
  while (!task.ended) machine::spin_hint();
}

}  // namespace nebulet::kernel
