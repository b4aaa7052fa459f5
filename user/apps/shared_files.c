/* SPDX-License-Identifier: MIT
 * Files of a program with threads: descriptors and positions are the process's, whichever thread made them.
 * Reports in TAP (testanything.org). Its first preopened directory is empty. */
#include "user/apps/thread_files.h"

enum { kRecords = 300, kRecord = 8 };

static uint32_t shared;
static _Atomic int result, stage;

static void make_file(int self) {
  char text[] = "from a thread";
  (void)self;
  result = open_file('a', &shared) == 0 && put(shared, text, 13) && rewind(shared);
}
static void read_closed(int self) {
  char byte;
  const struct iovec iovec = {&byte, 1};
  uint32_t size;
  (void)self;
  result = fd_read(shared, &iovec, 1, &size) == kBadf;
}

/* Records of one letter each, by all threads at one position. */
static void write_records(int self) {
  char record[kRecord];
  for (int i = 0; i < kRecord; ++i) record[i] = (char)('a' + self % 26);
  for (int i = 0; i < kRecords; ++i) result += put(shared, record, kRecord);
}
static void read_records(int self) {
  char record[kRecord];
  (void)self;
  while (get(shared, record, kRecord) == kRecord) {
    int same = 1;
    for (int i = 1; i < kRecord; ++i) same &= record[i] == record[0];
    result += same;
  }
}

/* Each thread its own file, again and again. */
static void open_and_close(int self) {
  char letter = (char)('A' + self % 26), text[4];
  for (int i = 0; i < 100; ++i) {
    uint32_t fd;
    text[0] = (char)i, text[1] = letter;
    if (open_file(letter, &fd) != 0) return;
    char back[4] = {0};
    const int good =
        put(fd, text, 4) && rewind(fd) && get(fd, back, 4) == 4 && back[0] == (char)i && back[1] == letter;
    if (fd_close(fd) == 0 && path_unlink_file(kDirectory, &letter, 1) == 0) result += good;
  }
}

/* A clock subscription of an hour. */
static void wait_for_long(int self) {
  static struct {
    uint64_t userdata, type;
    uint32_t clock, unused;
    uint64_t timeout, precision, flags;
  } subscription = {0, 0, 1, 0, 3600ull * 1000000000, 0, 0};
  static uint64_t event[4];
  uint32_t events;
  (void)self;
  ++stage;
  notify(&stage, 1);
  poll_oneoff(&subscription, event, 1, &events);
}

static void run_all(void (*body)(int), int expected, const char* what) {
  int64_t threads[kThreads];
  int joined = 1;
  result = 0;
  for (int i = 0; i < kThreads; ++i) threads[i] = spawn(i, body);
  for (int i = 0; i < kThreads; ++i) joined &= join(threads[i]);
  check(joined && result == expected, what);
}

void _start(void) {
  nb_process_startup(startup, sizeof startup);
  char text[16] = {0};
  check(join(spawn(0, make_file)) && result == 1, "a thread opens a file");
  check(get(shared, text, 16) == 13 && text[0] == 'f' && text[12] == 'd', "another one reads it");
  check(fd_close(shared) == 0, "and closes it");
  check(join(spawn(0, read_closed)) && result == 1, "for the first one too");

  check(open_file('b', &shared) == 0, "the main thread opens a file");
  run_all(write_records, kThreads * kRecords, "all threads write to it");
  check(rewind(shared), "from its start");
  run_all(read_records, kThreads * kRecords, "all threads read it, at one position, and no record was torn");
  check(fd_close(shared) == 0, "it is closed");
  run_all(open_and_close, kThreads * 100, "each thread has files of its own");

  stage = 0;
  for (int i = 0; i < kThreads; ++i) spawn(i, wait_for_long);
  while (stage < kThreads) wait(&stage, stage, 10 * (int64_t)kMs);
  nb_thread_sleep_until(now() + 20 * kMs);
  check(open_file('c', &shared) == 0, "a thread that waits holds nobody up");
  check(fd_close(shared) == 0, "nor do several");
  print("1..");
  print_number(number);
  print("\n");
  proc_exit(failures != 0);
}
