// SPDX-License-Identifier: MIT
// The process's descriptors as the console, and the file server that the main program brought.
#include "machine/include/machine/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "machine/hosted/state.h"
#include "machine/include/machine/link.h"

namespace nebulet::machine {
namespace hosted {
namespace {

struct ConsoleState {
  int log_fd = STDERR_FILENO;
  int tool_fd = -1;
  FileServer file_server = nullptr;
  void* file_server_state = nullptr;
  std::vector<std::byte> reply;
  std::size_t reply_length = 0;
};
ConsoleState state;
std::atomic<bool> wants_input = false;

}  // namespace

std::atomic<bool>& input_wanted() { return wants_input; }

void set_console(const HostedOptions& options) {
  state.file_server = options.file_server;
  state.file_server_state = options.file_server_state;
  state.tool_fd = options.tool_fd;
  if (state.tool_fd >= 0 && write(state.tool_fd, link::kMagic.data(), link::kMagic.size()) < 0)
    state.tool_fd = -1;
  if (options.log_path.empty()) return;
  const int fd = open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) {
    fprintf(stderr, "nebulet-hosted: cannot open the log %s: %s\n", options.log_path.c_str(),
            strerror(errno));
    return;
  }
  state.log_fd = fd;
}

}  // namespace hosted

using hosted::state;

namespace {

void write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready = {.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;  // the reader is gone: what is left has nowhere to go
    }
  }
}

/// One at a time: what is larger than PIPE_BUF would mix with other CPUs' packets.
void write_packet(ConsoleStream kind, std::span<const std::byte> payload) {
  const link::Header header = link::header_of(static_cast<link::Packet>(kind), payload.size());
  std::vector<std::byte> packet(header.begin(), header.end());
  packet.insert(packet.end(), payload.begin(), payload.end());
  static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&writing);
  write_all(state.tool_fd, packet);
  pthread_mutex_unlock(&writing);
}

}  // namespace

void console_write(ConsoleStream stream, std::span<const std::byte> bytes) {
  switch (stream) {
    case ConsoleStream::out: return write_all(STDOUT_FILENO, bytes);
    case ConsoleStream::err: return write_all(STDERR_FILENO, bytes);
    case ConsoleStream::log: return write_all(state.log_fd, bytes);
    case ConsoleStream::results:
    case ConsoleStream::progress:
    case ConsoleStream::trace:
    case ConsoleStream::names:
    case ConsoleStream::core: break;
  }
  if (state.tool_fd < 0) {
    if (stream == ConsoleStream::results) write_all(STDOUT_FILENO, bytes);
    return;
  }
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), link::kMaxStreamPayload)))
    write_packet(stream, bytes.first(std::min(bytes.size(), link::kMaxStreamPayload)));
}

std::optional<std::size_t> console_read(std::span<std::byte> into) {
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (poll(&input, 1, 0) <= 0) {
    hosted::wants_input.store(true, std::memory_order_relaxed);
    return std::nullopt;
  }
  const ssize_t n = read(STDIN_FILENO, into.data(), into.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

bool files_send(std::span<const std::byte> request) {
  if (state.file_server == nullptr) return false;
  state.reply.resize(link::kMaxPayload);
  state.reply_length = state.file_server(state.file_server_state, request, state.reply);
  return true;
}

std::optional<std::size_t> files_receive(std::span<std::byte> reply) {
  const std::size_t length = std::min(state.reply_length, reply.size());
  std::copy_n(state.reply.begin(), length, reply.begin());
  return length;
}

void shut_down(int status) { _exit(status); }

}  // namespace nebulet::machine
