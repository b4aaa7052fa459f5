// SPDX-License-Identifier: MIT
// args_*, environ_*, clock_*, random_get, sched_yield, fd_prestat_*. Started with the arguments "one", "",
// "two words", "é€" and the environment A=1, EMPTY=, K=v=w; / and /other are preopened.
#include "tap.h"

static int strings_are(int32_t (*get)(address_t, address_t), const char* const* expected, uint32_t count,
                       uint32_t size) {
  static char buffer[256];
  address_t array[16];
  memset(buffer, 'x', sizeof buffer);
  memset(array, 0xff, sizeof array);
  if (get(ADDRESS(array), ADDRESS(buffer)) != SUCCESS) return 0;
  const char* at = buffer;
  for (uint32_t i = 0; i < count; i++) {
    if (array[i] != ADDRESS(at) || strcmp(at, expected[i]) != 0) return 0;
    at += strlen(at) + 1;
  }
  return (uint32_t)(at - buffer) == size && *at == 'x' && array[count] == 0xffffffff;
}

static void arguments(void) {
  static const char* const expected[] = {"startup.wasm", "one", "", "two words", "\u00e9\u20ac"};
  uint32_t count = 0, size = 0;
  expect(args_sizes_get(ADDRESS(&count), ADDRESS(&size)), SUCCESS, "args_sizes_get");
  check(count == 5 && size == 34, "there are five arguments of 34 bytes");
  check(strings_are(args_get, expected, 5, 34), "args_get gives them one after the other, and nothing more");
}

static void environment(void) {
  static const char* const expected[] = {"A=1", "EMPTY=", "K=v=w"};
  uint32_t count = 0, size = 0;
  expect(environ_sizes_get(ADDRESS(&count), ADDRESS(&size)), SUCCESS, "environ_sizes_get");
  check(count == 3 && size == 17, "there are three variables of 17 bytes");
  check(strings_are(environ_get, expected, 3, 17), "environ_get gives them one after the other");
}

static void clocks(void) {
  static const char* const names[] = {"realtime", "monotonic", "process_cputime_id", "thread_cputime_id"};
  char text[96];
  for (uint32_t id = REALTIME; id <= THREAD_CPU; id++) {
    uint64_t resolution = 0, first = 0, second = 0;
    snprintf(text, sizeof text, "clock_res_get of %s is not zero and at most a second", names[id]);
    check(clock_res_get(id, ADDRESS(&resolution)) == SUCCESS && resolution != 0 && resolution <= 1000000000,
          text);
    snprintf(text, sizeof text, "clock_time_get of %s", names[id]);
    expect(clock_time_get(id, 1, ADDRESS(&first)), SUCCESS, text);
    for (volatile int i = 0; i < 3000000; i++) continue;
    clock_time_get(id, 0, ADDRESS(&second));
    snprintf(text, sizeof text, "%s goes on", names[id]);
    check(second > first && second - first < 60000000000, text);
  }
  check(clock_now(REALTIME) > 1700000000000000000, "realtime is after 2023");
  uint64_t time;
  expect(clock_time_get(4, 0, ADDRESS(&time)), INVAL, "clock_time_get of an unknown clock");
  expect(clock_res_get(4, ADDRESS(&time)), INVAL, "clock_res_get of an unknown clock");
  expect(clock_time_get(0xffffffff, 0, ADDRESS(&time)), INVAL, "clock_time_get of clock -1");
}

static void randomness(void) {
  static uint8_t one[100000], two[100000];
  expect(random_get(ADDRESS(one), sizeof one), SUCCESS, "random_get of 100,000 bytes");
  random_get(ADDRESS(two), sizeof two);
  check(memcmp(one, two, 32) != 0 && memcmp(one + sizeof one - 32, two + sizeof two - 32, 32) != 0,
        "it differs from call to call, from the first byte to the last");
  uint32_t counts[256] = {0}, least = 100000, most = 0;
  for (uint32_t i = 0; i < sizeof one; i++) counts[one[i]]++;
  for (int i = 0; i < 256; i++) {
    if (counts[i] < least) least = counts[i];
    if (counts[i] > most) most = counts[i];
  }
  check(least > 250 && most < 550, "all bytes are about as frequent");
  two[0] = 7;
  check(random_get(ADDRESS(two), 0) == SUCCESS && two[0] == 7, "random_get of no bytes changes nothing");
}

static void preopens(void) {
  prestat_t prestat = {9, 9};
  char name[8] = "xxxxxxx";
  check(fd_prestat_get(3, ADDRESS(&prestat)) == SUCCESS && prestat.tag == 0 && prestat.name_length == 1,
        "fd_prestat_get of the first directory");
  check(fd_prestat_dir_name(3, ADDRESS(name), 1) == SUCCESS && name[0] == '/' && name[1] == 'x',
        "fd_prestat_dir_name writes no NUL");
  check(fd_prestat_get(4, ADDRESS(&prestat)) == SUCCESS && prestat.name_length == 6,
        "fd_prestat_get of the second directory");
  check(fd_prestat_dir_name(4, ADDRESS(name), 7) == SUCCESS && memcmp(name, "/otherx", 7) == 0,
        "a larger buffer than the name needs");
  expect(fd_prestat_dir_name(4, ADDRESS(name), 5), NAMETOOLONG, "a smaller buffer than the name needs");
  expect(fd_prestat_get(5, ADDRESS(&prestat)), BADF, "fd_prestat_get ends the list with badf");
  expect(fd_prestat_dir_name(5, ADDRESS(name), 7), BADF, "fd_prestat_dir_name of no descriptor");
  expect(fd_prestat_get(0, ADDRESS(&prestat)), BADF, "fd_prestat_get of standard input");
  const uint32_t directory = open_with(root, ".", DIRECTORY, RIGHT_FD_READDIR, 0);
  expect(fd_prestat_get(directory, ADDRESS(&prestat)), BADF, "a directory that was opened is not preopened");
  fd_close(directory);
  fdstat_t stat;
  check(fd_fdstat_get(3, ADDRESS(&stat)) == SUCCESS && stat.type == TYPE_DIRECTORY && stat.flags == 0,
        "fd_fdstat_get of a preopened directory");
}

int main(void) {
  arguments();
  environment();
  clocks();
  randomness();
  expect(sched_yield(), SUCCESS, "sched_yield");
  preopens();
  return done();
}
