// SPDX-License-Identifier: MIT
// The third program: how many numbers there were, and their sum. Handles as for the second.
#include "examples/pipeline/lines.h"

extern "C" void run() {
  Numbers numbers(nebulet::sdk::Stream(1));
  unsigned long long count = 0, sum = 0;
  for (unsigned number; numbers.next(number); count++) sum += number;
  write_number(nebulet::sdk::Stream(2), count) && write_number(nebulet::sdk::Stream(2), sum);
}
