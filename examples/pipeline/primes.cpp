// SPDX-License-Identifier: MIT
// The second program: lets primes through. Handles 1 and 2: the streams from and to its neighbours.
#include "examples/pipeline/lines.h"

static bool is_prime(unsigned number) {
  for (unsigned divisor = 2; divisor * divisor <= number; divisor++)
    if (number % divisor == 0) return false;
  return true;
}

extern "C" void run() {
  Numbers numbers(nebulet::sdk::Stream(1));
  for (unsigned number; numbers.next(number);)
    if (is_prime(number) && !write_number(nebulet::sdk::Stream(2), number)) return;
}
