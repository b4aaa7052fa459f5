// SPDX-License-Identifier: MIT
// Something that happens at a time, without a task of its own.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

namespace nebulet::kernel {

struct Cpu;

/// Set and cancelled through the Scheduler. Whoever owns it serializes that, and cancels before it ends.
class Alarm {
 public:
  virtual ~Alarm() = default;

 protected:
  Alarm() = default;
  /// In an interrupt handler or an idle CPU, interrupts off, no locks held. Returns when to ring again, or
  /// kForever. `now` is the monotonic time, at least the deadline.
  virtual std::uint64_t ring(std::uint64_t now) = 0;

 private:
  friend class Scheduler;
  friend struct Cpu;
  Cpu* cpu_ = nullptr;  ///< where it was set last; the rest is under its lock
  std::uint64_t deadline_ = 0;

 public:  // Boost needs to name them; only the scheduler uses them.
  boost::intrusive::set_member_hook<> alarm_hook_;
  struct ByDeadline {
    using type = std::uint64_t;
    std::uint64_t operator()(const Alarm& alarm) const { return alarm.deadline_; }
  };
};

}  // namespace nebulet::kernel
