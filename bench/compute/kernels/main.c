// SPDX-License-Identifier: MIT
// Runs one kernel: prints its checksum to standard output and the nanoseconds that it took to standard error.
// The exported functions are for Wizer, which runs an initializer instead of main.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t kernel(uint32_t repeat);

#ifdef WIZER_REPEAT
__attribute__((export_name("wizer.initialize"))) void wizer_initialize(void) {
  static volatile uint64_t result;
  result = kernel(WIZER_REPEAT);
}
#endif

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char** argv) {
  const uint32_t repeat = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
  const uint64_t start = now();
  const uint64_t checksum = kernel(repeat);
  const uint64_t elapsed = now() - start;
  printf("%016" PRIx64 "\n", checksum);
  fprintf(stderr, "%" PRIu64 "\n", elapsed);
  return 0;
}
