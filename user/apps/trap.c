// SPDX-License-Identifier: MIT
// Ends in the trap that its argument names.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma clang diagnostic ignored "-Winfinite-recursion"

typedef int (*Function)(void);
typedef int (*OtherFunction)(double, double);

static int seven(void) { return 7; }
static volatile int one = 1;
static volatile int zero = 0;
static volatile int minimum = INT_MIN;
static volatile int minus_one = -1;
static volatile double huge = 1e30;
static volatile uintptr_t outside = 0xfffffff0u;
static volatile uintptr_t no_function = 0x7fffffff;
static Function volatile function = seven;

static int overflow_stack(const volatile int* above) {
  volatile int here = *above + 1;
  return overflow_stack(&here) + here;
}

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "";
  puts("before");
  fflush(stdout);
  if (strcmp(kind, "unreachable") == 0) __builtin_trap();
  if (strcmp(kind, "divide") == 0) return one / zero;
  if (strcmp(kind, "divide-overflow") == 0) return minimum / minus_one;
  if (strcmp(kind, "conversion") == 0) {
    int result;
    __asm__ volatile("local.get %1\n i32.trunc_f64_s\n local.set %0" : "=r"(result) : "r"(huge));
    return result;
  }
  if (strcmp(kind, "load") == 0) return *(volatile int*)outside;
  if (strcmp(kind, "store") == 0) *(volatile int*)outside = 1;
  if (strcmp(kind, "signature") == 0) return ((OtherFunction)(void*)function)(1, 2);
  if (strcmp(kind, "table") == 0) return ((Function)no_function)();
  if (strcmp(kind, "stack") == 0) return overflow_stack(&zero);
  if (strcmp(kind, "abort") == 0) abort();
  fprintf(stderr, "usage: trap KIND\n");
  return 2;
}
