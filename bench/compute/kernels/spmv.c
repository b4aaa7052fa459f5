// SPDX-License-Identifier: MIT
// Sparse matrix times vector in compressed row form, 20000 rows with 12 entries.
#include <stdint.h>

enum { kRows = 20000, kPerRow = 12 };
static uint32_t columns[kRows * kPerRow];
static double values[kRows * kPerRow], x[kRows], y[kRows];

uint64_t kernel(uint32_t repeat) {
  uint32_t state = 1;
  for (int i = 0; i < kRows * kPerRow; i++) {
    state = state * 1664525u + 1013904223u;
    columns[i] = (state >> 8) % kRows;
    values[i] = (state >> 28) * 0.125;
  }
  for (int i = 0; i < kRows; i++) x[i] = 1 + i % 3;
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < kRows; i++) {
      double sum = 0;
      for (int k = i * kPerRow; k < (i + 1) * kPerRow; k++) sum += values[k] * x[columns[k]];
      y[i] = sum;
    }
    for (int i = 0; i < kRows; i++) x[i] = y[i] * 0.0625 + 1;
  }
  double total = 0;
  for (int i = 0; i < kRows; i++) total += x[i];
  uint64_t bits;
  __builtin_memcpy(&bits, &total, sizeof bits);
  return bits;
}
