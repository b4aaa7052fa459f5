// SPDX-License-Identifier: MIT
#include "tools/nebulet/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nebulet::tool {

int poll_timeout(const Deadline& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return left < 0 ? 0 : left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
}

Child::Child(pid_t pid) : pid_(pid), exited_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

Result<Child> Child::start(const std::vector<std::string>& arguments, const Redirection& redirection) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // The write end closes at a successful exec; otherwise it carries errno.
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  Descriptor from_child(failure[0]), to_parent(failure[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail("cannot start {}: {}", arguments[0], std::strerror(errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (redirection.in >= 0) ::dup2(redirection.in, 0);
    if (redirection.out >= 0) ::dup2(redirection.out, 1);
    if (redirection.err >= 0) ::dup2(redirection.err, 2);
    ::signal(SIGPIPE, SIG_DFL);
    ::execvp(argv[0], argv.data());
    const int error = errno;
    write_all(to_parent.get(), &error, sizeof error);
    ::_exit(127);
  }
  Child child(pid);
  to_parent.reset();
  int error = 0;
  if (::read(from_child.get(), &error, sizeof error) == sizeof error) {
    return std::unexpected(
        Failure{std::format("cannot start {}: {}", arguments[0], std::strerror(error)), kMachineFailed});
  }
  if (child.exit_descriptor() < 0) return fail("cannot watch {}: {}", arguments[0], std::strerror(errno));
  return child;
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

void Child::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

}  // namespace nebulet::tool
