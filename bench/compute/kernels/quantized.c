// SPDX-License-Identifier: MIT
// Products of matrices of bytes with sums of 32 bits, scaled back to bytes, as quantized neural networks have
// them.
#include <stdint.h>

enum { N = 96 };
static int8_t a[N][N], b[N][N], c[N][N];

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = (int8_t)(i * 3 + j), b[i][j] = (int8_t)(i - 2 * j);
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        int32_t sum = 0;
        for (int k = 0; k < N; k++) sum += a[i][k] * b[j][k];
        sum = (sum * 5) >> 9;
        c[i][j] = (int8_t)(sum > 127 ? 127 : sum < -128 ? -128 : sum);
      }
    for (int j = 0; j < N; j++) a[r % N][j] = c[j][r % N];
  }
  uint64_t total = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) total = total * 31 + (uint8_t)c[i][j];
  return total;
}
