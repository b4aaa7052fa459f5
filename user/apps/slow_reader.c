/* SPDX-License-Identifier: MIT
 * What a program's other threads can do while one of them waits for a file server (slow_files.cpp, behind the
 * directory 3; 4 is in memory). A byte from standard input says that the server was asked to read, one to
 * standard errors lets it answer. Reports in TAP. */
#include "user/apps/thread_files.h"

static uint32_t slow;
static _Atomic int result;

static void read_slowly(int self) {
  char text[8] = {0};
  (void)self;
  result = get(slow, text, 8) == 4 && text[0] == 's' && text[3] == 'w';
}

void _start(void) {
  nb_process_startup(startup, sizeof startup);
  char text[8] = "slow";
  uint32_t fd, again;
  check(open_file('a', &slow) == 0 && put(slow, text, 4) && rewind(slow), "a file on the server");
  const int64_t thread = spawn(0, read_slowly);
  check(get(0, text, 1) == 1, "a thread reads it, and waits for the server");
  check(open_in(4, 'b', &fd) == 0 && put(fd, text, 8) && rewind(fd) && get(fd, text, 8) == 8,
        "another one uses other files");
  check(fd_close(slow) == 0, "and closes the descriptor that is read from");
  check(get(slow, text, 1) == ~0u, "which is no descriptor any more");
  check(open_in(4, 'c', &again) == 0 && again == slow, "its number is free");
  check(result == 0, "the thread still waits");
  check(put(2, text, 1) && join(thread) && result == 1, "and gets what it asked for");
  check(fd_close(again) == 0 && fd_close(fd) == 0, "all is closed");
  print("1..");
  print_number(number);
  print("\n");
  proc_exit(failures != 0);
}
