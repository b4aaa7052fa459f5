// SPDX-License-Identifier: MIT
// Recurses as deep as its argument says, in a function that keeps values across the call.
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) unsigned descend(unsigned depth, unsigned a, unsigned b) {
  if (depth == 0) return a ^ b;
  const unsigned below = descend(depth - 1, b + depth, a * 3 + 1);
  return below + a - b;
}

int main(int argc, char** argv) {
  const unsigned depth = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
  printf("%u %u\n", depth, descend(depth, 1, 2));
  return 0;
}
