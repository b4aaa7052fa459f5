// SPDX-License-Identifier: MIT
// WASI programs whose standard input and output are streams: what they read, write and wait for, how they
// learn that the other end is gone. Reports in TAP (testanything.org). With an argument it is the child that
// the argument says, and an ordinary program.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/process.h"
#include "user/sdk/startup.h"

namespace {

using nebulet::sdk::Startup;

constexpr std::uint64_t kMemory = 16 << 20;
constexpr std::uint64_t kLong = 20'000 * 1'000'000ull;

struct Ends {
  nb_handle_t reader, writer;
};
Ends make_stream(std::uint32_t capacity = 4096) {
  nb_handle_t ends[2] = {};
  nb_stream_create(capacity, ends, 2);
  return {ends[0], ends[1]};
}

nb_handle_t console() {
  std::uint32_t words[2] = {};
  nb_process_startup(words, sizeof words);
  return static_cast<nb_handle_t>(
      nb_handle_duplicate(words[1], NB_RIGHT_WRITE | NB_RIGHT_READ | NB_RIGHT_TRANSFER | NB_RIGHT_DUPLICATE));
}

/// This program as another process.
nb_handle_t start(const char* role, Startup startup) {
  startup.argument("pipes");
  startup.argument(role);
  return nebulet::sdk::start_wasi("child", static_cast<nb_handle_t>(nb_module_of("program", 7)), kMemory,
                                  startup);
}

bool exited(nb_handle_t process, int status) {
  nb_object_wait(process, NB_SIGNAL_TERMINATED, now() + kLong);
  const auto reason = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON);
  const auto code = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_CODE);
  nb_handle_close(process);
  if (reason != NB_END_REASON_EXITED || code != status)
    std::printf("# reason %d, code %d\n", static_cast<int>(reason), static_cast<int>(code));
  return reason == NB_END_REASON_EXITED && code == status;
}

void write_all(nb_handle_t writer, std::string_view text) {
  while (!text.empty()) {
    const auto count = nb_stream_write(writer, text.data(), text.size());
    if (count == NB_STATUS_SHOULD_WAIT)
      nb_object_wait(writer, NB_SIGNAL_WRITABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
    else if (count < 0)
      return;
    else
      text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_to_end(nb_handle_t reader) {
  std::string text;
  char piece[4096];
  while (true) {
    const auto count = nb_stream_read(reader, piece, sizeof piece);
    if (count == 0) return text;
    if (count > 0) text.append(piece, static_cast<std::size_t>(count));
    if (count == NB_STATUS_SHOULD_WAIT) {
      if (nb_object_wait(reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong) < 0) return text;
    } else if (count < 0) {
      return text;
    }
  }
}

// The children: they know nothing of the kernel.

int cat() {
  char piece[1000];
  while (true) {
    const ssize_t count = read(0, piece, sizeof piece);
    if (count <= 0) return count == 0 ? 0 : 10;
    if (write(1, piece, static_cast<std::size_t>(count)) != count) return 11;
  }
}

/// What fits goes, then an error tells that the reader is gone.
int until_broken() {
  const std::vector<char> piece(3000, 'x');
  while (write(1, piece.data(), piece.size()) >= 0) {
  }
  return errno == EPIPE ? 0 : 10;
}

int without_waiting() {
  if (fcntl(0, F_SETFL, O_NONBLOCK) != 0 || fcntl(1, F_SETFL, O_NONBLOCK) != 0) return 10;
  char piece[3000];
  if (read(0, piece, sizeof piece) != -1 || errno != EAGAIN) return 11;
  if (write(1, piece, sizeof piece) != 3000) return 12;
  if (write(1, piece, sizeof piece) != 1096) return 13;
  if (write(1, piece, sizeof piece) != -1 || errno != EAGAIN) return 14;
  return 0;
}

/// Input comes, then its end; meanwhile the output is full.
int wait_for_both() {
  pollfd items[2] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
  if (poll(items, 2, 0) != 1 || items[0].revents != 0 || items[1].revents != POLLOUT) return 10;
  const std::vector<char> full(4096, 'x');
  if (write(1, full.data(), full.size()) != 4096) return 11;
  if (poll(items, 2, 20) != 0) return 12;
  if (write(2, "?", 1) != 1) return 13;
  if (poll(items, 1, -1) != 1 || (items[0].revents & POLLIN) == 0) return 14;
  char byte;
  if (read(0, &byte, 1) != 1 || byte != '!') return 15;
  if (write(2, "?", 1) != 1) return 16;
  if (poll(items, 1, -1) != 1 || (items[0].revents & POLLHUP) == 0) return 17;
  if (read(0, &byte, 1) != 0) return 18;
  return 0;
}

int closed() {
  char byte = 'x';
  if (read(0, &byte, 1) != -1 || errno != EBADF) return 10;
  if (write(2, &byte, 1) != -1 || errno != EBADF) return 11;
  return write(1, "1", 1) == 1 ? 0 : 12;
}

int one_stream_twice() {
  if (write(1, "a", 1) != 1 || close(1) != 0) return 10;
  return write(2, "b", 1) == 1 ? 0 : 11;
}

int close_output() {
  close(1);
  char byte;
  return read(0, &byte, 1) == 0 ? 0 : 10;
}

int run_child(const std::string& role) {
  if (role == "cat") return cat();
  if (role == "until-broken") return until_broken();
  if (role == "without-waiting") return without_waiting();
  if (role == "wait") return wait_for_both();
  if (role == "closed") return closed();
  if (role == "twice") return one_stream_twice();
  if (role == "close-output") return close_output();
  return 99;
}

// The parent.

void pass_through() {
  const Ends in = make_stream(), middle = make_stream(), out = make_stream();
  Startup first, second;
  first.standard(0, in.reader);
  first.standard(1, middle.writer);
  second.standard(0, middle.reader);
  second.standard(1, out.writer);
  second.standard(2, console());
  const nb_handle_t one = start("cat", first), two = start("cat", second);
  std::string text, came;
  for (int i = 0; i < 2000; i++) text += std::to_string(i) + "\n";
  for (std::size_t at = 0; at < text.size(); at += 2000) {
    const std::string part = text.substr(at, 2000);
    write_all(in.writer, part);
    while (came.size() < at + part.size()) {
      char piece[2000];
      nb_object_wait(out.reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
      const auto count = nb_stream_read(out.reader, piece, sizeof piece);
      if (count <= 0) break;
      came.append(piece, static_cast<std::size_t>(count));
    }
  }
  check(came == text, "two programs pass all on");
  nb_handle_close(in.writer);
  check(read_to_end(out.reader).empty(), "the end goes through both");
  check(exited(one, 0) && exited(two, 0), "and ends both");
  nb_handle_close(out.reader);
}

void reader_gone() {
  const Ends out = make_stream();
  Startup startup;
  startup.standard(1, out.writer);
  const nb_handle_t process = start("until-broken", startup);
  char piece[5000];
  std::size_t got = 0;
  while (got < sizeof piece) {
    nb_object_wait(out.reader, NB_SIGNAL_READABLE, now() + kLong);
    const auto count = nb_stream_read(out.reader, piece + got, sizeof piece - got);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  check(got == sizeof piece, "more comes than the stream holds");
  nb_handle_close(out.reader);
  check(exited(process, 0), "a program whose reader is gone gets EPIPE");
}

void nobody_waits() {
  const Ends in = make_stream(), out = make_stream();
  Startup startup;
  startup.standard(0, in.reader);
  startup.standard(1, out.writer);
  check(exited(start("without-waiting", startup), 0), "non-blocking ends say EAGAIN, and write what fits");
  check(read_to_end(out.reader).size() == 4096, "which is there to be read");
  nb_handle_close(in.writer);
  nb_handle_close(out.reader);
}

void waiting() {
  const Ends in = make_stream(), out = make_stream(), questions = make_stream();
  Startup startup;
  startup.standard(0, in.reader);
  startup.standard(1, out.writer);
  startup.standard(2, questions.writer);
  const nb_handle_t process = start("wait", startup);
  char byte = 0;
  nb_object_wait(questions.reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
  check(nb_stream_read(questions.reader, &byte, 1) == 1, "poll tells what is full and what has nothing");
  write_all(in.writer, "!");
  nb_object_wait(questions.reader, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + kLong);
  check(nb_stream_read(questions.reader, &byte, 1) == 1, "poll waits for input");
  nb_handle_close(in.writer);
  check(exited(process, 0), "and for its end");
  nb_handle_close(out.reader);
  nb_handle_close(questions.reader);
}

void some_closed() {
  const Ends out = make_stream();
  Startup startup;
  startup.standard(1, out.writer);
  check(exited(start("closed", startup), 0), "what was not given is EBADF");
  check(read_to_end(out.reader) == "1", "what was given is there");
  nb_handle_close(out.reader);

  const Ends both = make_stream();
  Startup twice;
  twice.standard(1, both.writer);
  twice.standard(2, both.writer);
  check(exited(start("twice", twice), 0), "output and errors may be one stream");
  check(read_to_end(both.reader) == "ab", "which one of them may close");
  nb_handle_close(both.reader);

  const Ends in = make_stream(), closed = make_stream();
  Startup closing;
  closing.standard(0, in.reader);
  closing.standard(1, closed.writer);
  const nb_handle_t process = start("close-output", closing);
  check(read_to_end(closed.reader).empty(), "fd_close ends a stream while its process runs");
  check(nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON) == NB_END_REASON_NONE, "which it does");
  nb_handle_close(in.writer);
  check(exited(process, 0), "until its input ends");
  nb_handle_close(closed.reader);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return run_child(argv[1]);
  pass_through();
  reader_gone();
  nobody_waits();
  waiting();
  some_closed();
  std::printf("1..%d\n", number);
  return failures != 0;
}
