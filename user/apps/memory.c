// SPDX-License-Identifier: MIT
// Allocates as many MiB as its argument says, touches every page, and sums what it wrote.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? atoi(argv[1]) : 64) << 20;
  unsigned char* bytes = malloc(size);
  if (bytes == NULL) {
    puts("out of memory");
    return 1;
  }
  for (size_t i = 0; i < size; i += 4096) bytes[i] = (unsigned char)(i >> 12);
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i += 4096) sum += bytes[i];
  printf("%zu bytes, sum %llu\n", size, (unsigned long long)sum);
  return 0;
}
