// SPDX-License-Identifier: MIT
// proc_raise with the signal that the argument says; what comes back is printed.
#include <stdlib.h>

#include "tap.h"

int main(int argc, char** argv) {
  const int32_t error = proc_raise((uint32_t)atoi(argc > 1 ? argv[1] : "0"));
  printf("%s\n", (uint32_t)error <= NOTCAPABLE ? errno_names[error] : "?");
  return 0;
}
