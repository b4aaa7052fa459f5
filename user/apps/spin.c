// SPDX-License-Identifier: MIT
// Never ends: for tests of time limits and of killing.
#include <stdio.h>

int main(void) {
  puts("spinning");
  fflush(stdout);
  volatile unsigned counter = 0;
  while (1) counter++;
}
