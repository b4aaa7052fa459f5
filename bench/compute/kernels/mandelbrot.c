// SPDX-License-Identifier: MIT
// The Mandelbrot set, 128 x 128 points with at most 256 steps.
#include <stdint.h>

uint64_t kernel(uint32_t repeat) {
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++)
    for (int py = 0; py < 128; py++)
      for (int px = 0; px < 128; px++) {
        const double cx = px / 48.0 - 2.0 + r * 1e-6, cy = py / 48.0 - 1.33;
        double x = 0, y = 0;
        int step = 0;
        for (; step < 256 && x * x + y * y < 4; step++) {
          const double next = x * x - y * y + cx;
          y = 2 * x * y + cy;
          x = next;
        }
        sum = sum * 7 + (uint64_t)step;
      }
  return sum;
}
