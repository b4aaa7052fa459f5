// SPDX-License-Identifier: MIT
// Edit distance of two texts of 1024 bytes.
#include <stdint.h>

enum { N = 1024 };
static uint8_t a[N], b[N];
static uint32_t row[N + 1];

uint64_t kernel(uint32_t repeat) {
  uint64_t sum = 0;
  uint32_t state = 5;
  for (int i = 0; i < N; i++) {
    state = state * 1664525u + 1013904223u;
    a[i] = (uint8_t)(state >> 29), b[i] = (uint8_t)(state >> 26 & 7);
  }
  for (uint32_t r = 0; r < repeat; r++) {
    for (uint32_t j = 0; j <= N; j++) row[j] = j;
    for (uint32_t i = 1; i <= N; i++) {
      uint32_t diagonal = row[0];
      row[0] = i;
      for (uint32_t j = 1; j <= N; j++) {
        uint32_t best = diagonal + (a[i - 1] != b[j - 1]);
        diagonal = row[j];
        if (row[j] + 1 < best) best = row[j] + 1;
        if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
        row[j] = best;
      }
    }
    sum = sum * 31 + row[N];
    a[r % N] ^= 1;
  }
  return sum;
}
