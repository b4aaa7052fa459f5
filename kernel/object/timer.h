// SPDX-License-Identifier: MIT
// An object that becomes signaled at a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/object/object.h"
#include "kernel/sched/alarm.h"
#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

class Timer final : public Object, private Alarm {
 public:
  static constexpr ObjectType kType = ObjectType::timer;
  explicit Timer(Charge charge) : Object(kType), charge_(std::move(charge)) {}
  ~Timer() override;

  /// Clears `signaled` and sets it at the monotonic time `deadline`, then every `period_ns` if that is not 0.
  /// Replaces what was set before.
  void set(std::uint64_t deadline, std::uint64_t period_ns);
  /// It does not become signaled any more, and is not.
  void cancel();

  /// The shortest period, so that a timer alone cannot keep a processor busy.
  static constexpr std::uint64_t kMinPeriod = 50'000;

 private:
  std::uint64_t ring(std::uint64_t now) override;

  const Charge charge_;
  Mutex lock_;  ///< of setting and cancelling
  std::atomic<std::uint64_t> period_ = 0, next_ = 0;
};

}  // namespace nebulet::kernel
