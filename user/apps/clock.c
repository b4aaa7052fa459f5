// SPDX-License-Identifier: MIT
// Checks the clocks, sleeping and randomness; prints what is wrong and fails, or prints "ok".
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return -1;
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void) {
  const long long year_2024 = 1704067200LL * 1000000000LL;
  if (nanoseconds(CLOCK_REALTIME) < year_2024) return puts("the real time is before 2024"), 1;
  const long long before = nanoseconds(CLOCK_MONOTONIC);
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 20000000};
  nanosleep(&pause, NULL);
  const long long slept = nanoseconds(CLOCK_MONOTONIC) - before;
  if (slept < 20000000) return printf("slept only %lld ns\n", slept), 1;
  unsigned char random[2][32];
  if (getentropy(random[0], 32) != 0 || getentropy(random[1], 32) != 0) return puts("no randomness"), 1;
  if (memcmp(random[0], random[1], 32) == 0) return puts("randomness repeats"), 1;
  puts("ok");
  return 0;
}
