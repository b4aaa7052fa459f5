// SPDX-License-Identifier: MIT
// The smallest program that shows that the system works.
#include <stdio.h>

int main(void) {
  puts("Hello from WebAssembly");
  return 0;
}
