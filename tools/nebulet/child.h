// SPDX-License-Identifier: MIT
// Child processes: started with chosen descriptors, watched with a deadline, never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tools/nebulet/files.h"

namespace nebulet::tool {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;

inline Deadline deadline_after(std::optional<double> seconds) {
  if (!seconds) return std::nullopt;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*seconds));
}
/// For poll(2): milliseconds until then, rounded up; -1 without a deadline.
int poll_timeout(const Deadline& deadline);

/// Descriptors that the child gets as 0, 1 and 2; -1 leaves it the parent's.
struct Redirection {
  int in = -1, out = -1, err = -1;
};

/// A running child. Its destructor kills it; the kernel kills it if this process dies.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& arguments, const Redirection& redirection);
  Child(Child&& other) : pid_(std::exchange(other.pid_, -1)), exited_(std::move(other.exited_)) {}
  Child& operator=(Child&&) = delete;
  ~Child() { kill(); }

  /// A descriptor that becomes readable when the child has ended (pidfd_open(2)).
  int exit_descriptor() const { return exited_.get(); }
  /// Waits for its end; wait status as waitpid(2) has it.
  int wait();
  void kill();

 private:
  explicit Child(pid_t pid);
  pid_t pid_;
  Descriptor exited_;
};

}  // namespace nebulet::tool
