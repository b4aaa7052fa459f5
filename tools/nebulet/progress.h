// SPDX-License-Identifier: MIT
// One line on a terminal that says what is going on, for what takes long.
#pragma once

#include <chrono>
#include <string_view>

namespace nebulet::tool {

/// Says nothing on what is no terminal, nor before its patience is over.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPatience{2};

  /// On standard error.
  Progress();
  Progress(int fd, bool is_terminal, Clock::duration patience)
      : fd_(fd), is_terminal_(is_terminal), patience_(patience) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Replaces the line.
  void say(std::string_view text);
  /// Before anything else is written.
  void clear();

 private:
  const int fd_;
  const bool is_terminal_;
  const Clock::duration patience_;
  const Clock::time_point begin_ = Clock::now();
  bool shown_ = false;
};

}  // namespace nebulet::tool
