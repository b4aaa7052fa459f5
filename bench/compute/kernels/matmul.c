// SPDX-License-Identifier: MIT
// Dense matrix multiplication, 128 x 128 doubles.
#include <stdint.h>

enum { N = 128 };
static double a[N][N], b[N][N], c[N][N];

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (i * j % 7) * 0.5;
      b[i][j] = (i + j) % 5 - 1.0;
    }
  double sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double dot = 0;
        for (int k = 0; k < N; k++) dot += a[i][k] * b[k][j];
        c[i][j] = dot;
      }
    sum += c[r % N][(r * 7) % N];
    a[r % N][3] += 0.25;
  }
  return (uint64_t)(int64_t)(sum * 1024);
}
