// SPDX-License-Identifier: MIT
// Whether and when a process that ended is started again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "user/init/plan.h"

namespace nebulet::init {

/// Times are nanoseconds of the monotonic clock.
class Restarts {
 public:
  static constexpr std::uint64_t kFirstPause = 10'000'000, kLongestPause = 1'000'000'000;
  /// Who ran as long is as if it had never failed.
  static constexpr std::uint64_t kSteady = 10'000'000'000;

  Restarts(Restart policy, std::uint64_t most) : policy_(policy), most_(most) {}

  /// Of a process that ran from `started` to `ended`: how long to wait. nullopt: it stays down. Pauses
  /// double.
  std::optional<std::uint64_t> after(bool failed, std::uint64_t started, std::uint64_t ended) {
    gave_up_ = false;
    if (policy_ == Restart::never || (policy_ == Restart::on_failure && !failed)) return std::nullopt;
    if (ended - started >= kSteady) in_a_row_ = 0;
    if (in_a_row_ == most_) {
      gave_up_ = true;
      return std::nullopt;
    }
    const std::uint64_t doublings = std::min<std::uint64_t>(in_a_row_++, 10);
    return std::min(kFirstPause << doublings, kLongestPause);
  }
  std::uint64_t in_a_row() const { return in_a_row_; }
  std::uint64_t most() const { return most_; }
  bool gave_up() const { return gave_up_; }

 private:
  const Restart policy_;
  const std::uint64_t most_;
  std::uint64_t in_a_row_ = 0;
  bool gave_up_ = false;
};

}  // namespace nebulet::init
