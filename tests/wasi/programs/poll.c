// SPDX-License-Identifier: MIT
// poll_oneoff: clocks, files and streams. Standard input is a pipe that stays open and empty until the check
// of fd_read with nonblock is printed; then "x" comes.
#include "tap.h"

static const uint64_t ms = 1000000;

static subscription_t on_clock(uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags) {
  subscription_t s = {.userdata = userdata, .tag = EVENT_CLOCK};
  s.clock.id = id;
  s.clock.timeout = timeout;
  s.clock.flags = flags;
  return s;
}
static subscription_t on_fd(uint64_t userdata, uint8_t tag, uint32_t fd) {
  subscription_t s = {.userdata = userdata, .tag = tag};
  s.fd = fd;
  return s;
}

static event_t events[8];
static uint32_t count;
static int32_t wait_for(const subscription_t* subscriptions, uint32_t number) {
  count = 77;
  memset(events, 0, sizeof events);
  return poll_oneoff(ADDRESS(subscriptions), ADDRESS(events), number, ADDRESS(&count));
}

static void clocks(void) {
  const uint64_t start = clock_now(MONOTONIC);
  subscription_t s[3] = {on_clock(1, MONOTONIC, 20 * ms, 0)};
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].userdata == 1 && events[0].type == EVENT_CLOCK &&
            events[0].error == SUCCESS,
        "a relative time on the monotonic clock");
  uint64_t now = clock_now(MONOTONIC);
  check(now - start >= 20 * ms && now - start < 15000 * ms, "takes that time");
  s[0] = on_clock(2, MONOTONIC, now + 20 * ms, ABSOLUTE);
  check(wait_for(s, 1) == SUCCESS && count == 1 && clock_now(MONOTONIC) >= now + 20 * ms,
        "an absolute time on the monotonic clock");
  now = clock_now(REALTIME);
  s[0] = on_clock(3, REALTIME, now + 20 * ms, ABSOLUTE);
  check(wait_for(s, 1) == SUCCESS && count == 1 && clock_now(REALTIME) >= now + 19 * ms,
        "an absolute time on the real-time clock");
  s[0] = on_clock(4, REALTIME, 10 * ms, 0);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].userdata == 4,
        "a relative time on the real-time clock");
  s[0] = on_clock(5, REALTIME, 1, ABSOLUTE);
  check(wait_for(s, 1) == SUCCESS && count == 1, "a time that is long past");
  s[0] = on_clock(6, MONOTONIC, 0, 0);
  check(wait_for(s, 1) == SUCCESS && count == 1, "no time at all");
  s[0] = on_clock(7, MONOTONIC, 60000 * ms, 0);
  s[1] = on_clock(8, MONOTONIC, 10 * ms, 0);
  s[2] = on_clock(9, MONOTONIC, UINT64_MAX, 0);
  check(wait_for(s, 3) == SUCCESS && count == 1 && events[0].userdata == 8, "the first of three clocks");
  s[0] = on_clock(10, 9, 0, 0);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].userdata == 10 && events[0].error == INVAL,
        "an unknown clock is the event's error");
  s[0] = on_clock(11, PROCESS_CPU, ms, 0);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].error == NOTSUP,
        "one does not wait for processor time");
  s[0] = on_clock(12, MONOTONIC, ms, 2);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].error == INVAL, "an unknown flag of a clock");
}

static void files(void) {
  make_file("file", "12345");
  const uint32_t fd = open_file("file");
  subscription_t s[4] = {on_fd(1, EVENT_READ, fd), on_fd(2, EVENT_WRITE, fd), on_fd(3, EVENT_WRITE, 1),
                         on_clock(4, MONOTONIC, 60000 * ms, 0)};
  check(wait_for(s, 4) == SUCCESS && count == 3 && events[0].userdata == 1 && events[1].userdata == 2 &&
            events[2].userdata == 3,
        "files and standard output are ready at once");
  check(events[0].type == EVENT_READ && events[1].type == EVENT_WRITE && events[0].error == SUCCESS,
        "events tell their types");
  check(events[0].bytes == 5, "how much can be read of the file");
  s[0] = on_fd(5, EVENT_READ, nowhere);
  s[1] = on_clock(6, MONOTONIC, 60000 * ms, 0);
  check(wait_for(s, 2) == SUCCESS && count == 1 && events[0].userdata == 5 && events[0].error == BADF,
        "no descriptor is the event's error");
  s[0] = on_fd(7, EVENT_READ, 1);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].error == BADF, "standard output cannot be read");
  const uint32_t without = open_with(root, "file", 0, RIGHT_FD_READ, 0);
  s[0] = on_fd(8, EVENT_READ, without);
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].error == NOTCAPABLE,
        "without poll_fd_readwrite's right");
  s[0].tag = 9;
  expect(wait_for(s, 1), INVAL, "an unknown type of event");
  expect(wait_for(s, 0), INVAL, "no subscriptions");
  fd_close(without);
  fd_close(fd);
}

static void input(void) {
  char byte = 0;
  uint32_t size = 0;
  subscription_t s[2] = {on_fd(1, EVENT_READ, 0), on_clock(2, MONOTONIC, 30 * ms, 0)};
  check(wait_for(s, 2) == SUCCESS && count == 1 && events[0].userdata == 2,
        "standard input is not ready yet");
  s[1] = on_fd(3, EVENT_WRITE, 1);
  check(wait_for(s, 2) == SUCCESS && count == 1 && events[0].userdata == 3, "but standard output is");
  expect(fd_fdstat_set_flags(0, NONBLOCK), SUCCESS, "fd_fdstat_set_flags of standard input");
  expect(read_bytes(0, &byte, 1, &size), AGAIN, "fd_read with nonblock, while there is nothing");
  s[1] = on_clock(4, MONOTONIC, 60000 * ms, 0);
  check(wait_for(s, 2) == SUCCESS && count == 1 && events[0].userdata == 1 && events[0].error == SUCCESS &&
            events[0].bytes >= 1,
        "standard input becomes ready");
  check(read_bytes(0, &byte, 1, &size) == SUCCESS && size == 1 && byte == 'x', "and is read");
  check(wait_for(s, 1) == SUCCESS && count == 1 && events[0].userdata == 1, "it is ready at its end too");
  check(read_bytes(0, &byte, 1, &size) == SUCCESS && size == 0, "which fd_read then tells");
}

int main(void) {
  clocks();
  files();
  input();
  return done();
}
