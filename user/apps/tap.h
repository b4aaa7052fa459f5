/* SPDX-License-Identifier: MIT
 * Reports of test programs in TAP (testanything.org). */
#pragma once

#include <stdio.h>

#include "abi/sdk/nebulet.h"

static int number, failures;

static inline void check(int passed, const char* what) {
  printf("%sok %d - %s\n", passed ? "" : "not ", ++number, what);
  failures += !passed;
}

static const uint64_t kMs = 1000000;
static inline uint64_t now(void) { return (uint64_t)nb_clock_read(NB_CLOCK_MONOTONIC); }
