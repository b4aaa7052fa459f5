// SPDX-License-Identifier: MIT
#include "tools/nebulet/hosted.h"

#include <poll.h>
#include <sys/wait.h>

#include "base/result.h"
#include "tools/nebulet/child.h"
#include "tools/nebulet/command_line.h"

namespace nebulet::tool {

std::vector<std::string> hosted_command(const RunOptions& options, const Installation& installation,
                                        const std::string& program) {
  std::vector<std::string> command = {installation.hosted_kernel,
                                      "--memory",
                                      std::to_string(options.memory),
                                      "--cpus",
                                      std::to_string(options.cpus),
                                      "--command-line",
                                      kernel_command_line(options),
                                      "--module",
                                      "program=" + program,
                                      "--module",
                                      "wasi=" + installation.wasi,
                                      "--module",
                                      "wasi.code=" + installation.wasi_code};
  if (!options.code_file.empty())
    command.insert(command.end(), {"--module", "program.code=" + options.code_file});
  for (const Directory& directory : options.directories) {
    command.push_back("--dir");
    command.push_back(directory.host + "::" + directory.guest);
  }
  if (options.perf_map) {
    command.push_back("--profile");
    command.push_back("perfmap");
  }
  if (!options.log_file.empty()) {
    command.push_back("--log");
    command.push_back(options.log_file);
  }
  return command;
}

Result<int> run_hosted(const RunOptions& options, const Installation& installation,
                       const std::string& program) {
  const Deadline deadline = deadline_after(options.timeout);
  Child child = TRY(Child::start(hosted_command(options, installation, program), {}));
  pollfd ended = {.fd = child.exit_descriptor(), .events = POLLIN};
  for (;;) {
    const int n = ::poll(&ended, 1, poll_timeout(deadline));
    if (n > 0) break;
    if (n == 0) return kTimeout;
  }
  const int status = child.wait();
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return std::unexpected(
      Failure{std::format("the hosted kernel was ended by signal {}", WTERMSIG(status)), kMachineFailed});
}

}  // namespace nebulet::tool
