// SPDX-License-Identifier: MIT
#include "tools/nebulet/hosted.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"
#include "tools/nebulet/child.h"
#include "tools/nebulet/command_line.h"
#include "tools/nebulet/messages.h"

namespace nebulet::tool {
namespace {

/// False: there is no more, or it is no message.
bool read_messages(int fd, LinkParser& parser) {
  std::byte buffer[1 << 16];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  return n > 0 && parser.feed(std::span(buffer).first(static_cast<std::size_t>(n)));
}

}  // namespace

std::vector<std::string> hosted_command(const RunOptions& options, const Installation& installation,
                                        const HostedFiles& files, int tool_fd) {
  std::vector<std::string> command = {
      installation.hosted_kernel,           "--memory",       std::to_string(options.memory), "--cpus",
      std::to_string(options.cpus),         "--command-line", kernel_command_line(options),   "--module",
      "program=" + files.program,           "--module",       "wasi=" + installation.wasi,    "--module",
      "wasi.code=" + installation.wasi_code};
  if (!options.code_file.empty())
    command.insert(command.end(), {"--module", "program.code=" + options.code_file});
  if (!files.initfs.empty()) command.insert(command.end(), {"--module", "initfs=" + files.initfs});
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
  if (tool_fd >= 0) command.insert(command.end(), {"--tool-fd", std::to_string(tool_fd)});
  return command;
}

Result<int> run_hosted(const RunOptions& options, const Installation& installation, const HostedFiles& files,
                       Messages& messages) {
  const Deadline deadline = deadline_after(options.timeout);
  int pipe[2];
  if (::pipe2(pipe, 0) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  Descriptor from_kernel(pipe[0]), to_tool(pipe[1]);
  ::fcntl(from_kernel.get(), F_SETFD, FD_CLOEXEC);
  Child child = TRY(Child::start(hosted_command(options, installation, files, to_tool.get()), {}));
  to_tool.reset();
  LinkParser parser([&](Packet kind, std::span<const std::byte> payload) { messages.take(kind, payload); });
  bool open = true, running = true;
  while (running || open) {
    pollfd events[] = {{.fd = running ? child.exit_descriptor() : -1, .events = POLLIN},
                       {.fd = open ? from_kernel.get() : -1, .events = POLLIN}};
    const int n = ::poll(events, std::size(events), poll_timeout(deadline));
    if (n == 0) return kTimeout;
    if (n < 0) continue;  // a signal
    if (events[1].revents) open = read_messages(from_kernel.get(), parser);
    if (events[0].revents) running = false;
  }
  const int status = child.wait();
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return std::unexpected(
      Failure{std::format("the hosted kernel was ended by signal {}", WTERMSIG(status)), kMachineFailed});
}

}  // namespace nebulet::tool
