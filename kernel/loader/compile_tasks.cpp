// SPDX-License-Identifier: MIT
#include "kernel/loader/compile_tasks.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel/sched/scheduler.h"
#include "machine/include/machine/cpu.h"

namespace nebulet::kernel {
namespace {

class Helper final : public Task {
 public:
  Helper(Task& owner, void (*work)(void*), void* argument)
      : owner_(owner), work_(work), argument_(argument) {}

  bool has_ended() const { return state_.load(std::memory_order_acquire) != kRunning; }
  /// From then on nobody touches the task.
  bool is_gone() const { return state_.load(std::memory_order_acquire) == kGone; }

 private:
  enum State : std::uint8_t { kRunning, kEnded, kGone };
  void run() override { work_(argument_); }
  void finished() override {
    state_.store(kEnded, std::memory_order_release);
    Scheduler::unpark(owner_);
    state_.store(kGone, std::memory_order_release);
  }

  Task& owner_;
  void (*const work_)(void*);
  void* const argument_;
  std::atomic<State> state_ = kRunning;
};

}  // namespace

void run_tasks(void* helpers, void (*work)(void*), void* argument) {
  std::vector<std::unique_ptr<Helper>> started;
  for (std::uint32_t i = 0; i < *static_cast<const std::uint32_t*>(helpers); ++i) {
    auto helper = std::make_unique<Helper>(*Scheduler::current(), work, argument);
    helper->set_share(&Scheduler::current()->share());  // this task waits for it, so the share stays
    if (!Scheduler::start(*helper)) break;
    started.push_back(std::move(helper));
  }
  work(argument);
  for (const auto& helper : started) {
    while (!helper->has_ended()) Scheduler::park();
    while (!helper->is_gone()) machine::spin_hint();
  }
}

}  // namespace nebulet::kernel
