// SPDX-License-Identifier: MIT
// Fast Fourier transform, radix 2 in place, 4096 complex doubles, forth and back.
#include <math.h>
#include <stdint.h>

enum { kBits = 12, N = 1 << kBits };
typedef struct {
  double re, im;
} Complex;
static Complex data[N], roots[N / 2];

static void transform(int is_inverse) {
  for (uint32_t i = 0, j = 0; i < N; i++) {
    if (i < j) {
      const Complex t = data[i];
      data[i] = data[j];
      data[j] = t;
    }
    uint32_t bit = N >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
  }
  for (int half = 1, step = N / 2; half < N; half *= 2, step /= 2)
    for (int block = 0; block < N; block += 2 * half)
      for (int k = 0; k < half; k++) {
        const Complex w = {roots[k * step].re, is_inverse ? -roots[k * step].im : roots[k * step].im};
        Complex *low = &data[block + k], *high = low + half;
        const Complex t = {high->re * w.re - high->im * w.im, high->re * w.im + high->im * w.re};
        *high = (Complex){low->re - t.re, low->im - t.im};
        *low = (Complex){low->re + t.re, low->im + t.im};
      }
}

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < N / 2; i++) {
    const double angle = -3.14159265358979323846 * i / (N / 2);
    roots[i] = (Complex){cos(angle), sin(angle)};
  }
  for (int i = 0; i < N; i++) data[i] = (Complex){i % 17 - 8.0, 0};
  double sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    transform(0);
    sum += data[r % N].re;
    transform(1);
    for (int i = 0; i < N; i++) data[i].re /= N, data[i].im /= N;
  }
  return (uint64_t)(int64_t)sum;
}
