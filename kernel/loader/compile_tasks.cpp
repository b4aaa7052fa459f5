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

  /// False: no memory for its stack.
  bool start() {
    set_share(&owner_.share());  // the owner waits for it, so the share stays
    return Scheduler::start(*this);
  }
  /// By the owner.
  void wait() const {
    while (!has_ended()) Scheduler::park();
    while (!is_gone()) machine::spin_hint();
  }

 private:
  bool has_ended() const { return state_.load(std::memory_order_acquire) != kRunning; }
  /// From then on nobody touches the task.
  bool is_gone() const { return state_.load(std::memory_order_acquire) == kGone; }

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
    if (!helper->start()) break;
    started.push_back(std::move(helper));
  }
  work(argument);
  for (const auto& helper : started) helper->wait();
}

bool run_on_large_stack(void (*work)(void*), void* argument) {
  Task& owner = *Scheduler::current();
  Helper helper(owner, work, argument);
  if (!helper.start()) return false;
  helper.wait();
  owner.add_cpu_ns(helper.cpu_ns());
  return true;
}

}  // namespace nebulet::kernel
