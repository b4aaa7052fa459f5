/* SPDX-License-Identifier: MIT
 * Two functions that take time, by two ways, and calls that the kernel takes time for. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static volatile uint32_t sink;

__attribute__((noinline)) static void mix(uint32_t rounds) {
  uint32_t x = rounds;
  for (uint32_t i = 0; i < rounds; i++) x = x * 1664525 + 1013904223 + (x >> 7);
  sink = x;
}

__attribute__((noinline)) static void hot_one(void) { mix(200000), sink++; }
__attribute__((noinline)) static void hot_two(void) {
  uint32_t x = sink;
  for (uint32_t i = 0; i < 200000; i++) x ^= x << 13, x ^= x >> 17, x ^= x << 5;
  sink = x;
}
__attribute__((noinline)) static void ask(void) {
  struct timespec now;
  for (int i = 0; i < 3000; i++) clock_gettime(CLOCK_MONOTONIC, &now);
}
__attribute__((noinline)) static void work(void) { hot_one(), hot_two(), ask(); }

int main(void) {
  for (int i = 0; i < 100; i++) work();
  puts("done");
  return 0;
}
