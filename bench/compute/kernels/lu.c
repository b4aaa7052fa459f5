// SPDX-License-Identifier: MIT
// LU decomposition with partial pivoting of a dense 96 x 96 matrix, and a solution.
#include <math.h>
#include <stdint.h>

enum { N = 96 };
static double a[N][N], x[N];

static void decompose(double* right) {
  for (int k = 0; k < N; k++) {
    int pivot = k;
    for (int i = k + 1; i < N; i++)
      if (fabs(a[i][k]) > fabs(a[pivot][k])) pivot = i;
    for (int j = 0; j < N; j++) {
      const double t = a[k][j];
      a[k][j] = a[pivot][j];
      a[pivot][j] = t;
    }
    const double t = right[k];
    right[k] = right[pivot];
    right[pivot] = t;
    for (int i = k + 1; i < N; i++) {
      const double factor = a[i][k] / a[k][k];
      for (int j = k + 1; j < N; j++) a[i][j] -= factor * a[k][j];
      right[i] -= factor * right[k];
    }
  }
  for (int i = N - 1; i >= 0; i--) {
    for (int j = i + 1; j < N; j++) right[i] -= a[i][j] * right[j];
    right[i] /= a[i][i];
  }
}

uint64_t kernel(uint32_t repeat) {
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    uint32_t state = r + 1;
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        state = state * 1664525u + 1013904223u;
        a[i][j] = (double)(state >> 8) / (1 << 24) - 0.5;
      }
      x[i] = i % 5;
    }
    decompose(x);
    sum = sum * 31 + (uint64_t)(int64_t)(x[r % N] * 1024);
  }
  return sum;
}
