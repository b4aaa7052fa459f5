// SPDX-License-Identifier: MIT
// Starts the processes of a plan, starts again those that are to run, and knows when all is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "user/init/launcher.h"
#include "user/init/restart.h"

namespace nebulet::init {

class Supervisor {
 public:
  Supervisor(const Plan& plan, Launcher& launcher);

  /// Returns when all programs have ended for good (without programs: all processes), and the rest was ended.
  /// The exit code: that of the first process of the plan, among those, that failed; else 0.
  Result<int> run();

 private:
  struct State {
    Handle process;  // none: it is not running
    std::uint64_t started = 0;
    std::optional<std::uint64_t> start_at;  // waits for its next start
    Restarts restarts;
    int code = 0;                                      // of its last end
    bool is_down = false;                              // for good
    bool keeps_streams = true, keeps_services = true;  // in the launcher
  };

  void start(std::size_t index);
  void ended(std::size_t index);
  /// `why` says how it ended.
  void after_end(std::size_t index, int code, const std::string& why);
  void forget_streams(std::size_t index);
  void forget_services(std::size_t index);
  void start_due(std::uint64_t now);
  std::uint64_t next_start() const;
  /// Until something ended or the deadline; false: the deadline.
  bool wait(std::uint64_t deadline);
  void finish();
  bool counts(std::size_t index) const;
  bool is_waited_for(std::size_t index) const;
  bool is_done() const;
  std::size_t running() const;

  const Plan& plan_;
  Launcher& launcher_;
  std::vector<State> states_;
  Handle set_;
  const bool has_programs_;
  bool is_finishing_ = false;
};

/// A line in the kernel's log.
void say(nb_log_level_t level, std::string_view text);

}  // namespace nebulet::init
