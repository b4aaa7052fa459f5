// SPDX-License-Identifier: MIT
// The first program: the numbers from 2 to 10000. Handle 1: the stream to the next.
#include "examples/pipeline/lines.h"

extern "C" void run() {
  for (unsigned number = 2; number <= 10000; number++)
    if (!write_number(nebulet::sdk::Stream(1), number)) return;
}
