// SPDX-License-Identifier: MIT
// A five-point stencil on a 256 x 256 grid of doubles.
#include <stdint.h>

enum { N = 256 };
static double grid[2][N][N];

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) grid[0][i][j] = grid[1][i][j] = (i * 31 + j * 17) % 64;
  for (uint32_t r = 0; r < repeat; r++) {
    double(*from)[N] = grid[r & 1];
    double(*to)[N] = grid[~r & 1];
    for (int i = 1; i < N - 1; i++)
      for (int j = 1; j < N - 1; j++)
        to[i][j] =
            0.5 * from[i][j] + 0.125 * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
  }
  double total = 0;
  for (int i = 0; i < N; i++) total += grid[repeat & 1][i][(i * 5) % N];
  uint64_t bits;
  __builtin_memcpy(&bits, &total, sizeof bits);
  return bits;
}
