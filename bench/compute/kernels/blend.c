// SPDX-License-Identifier: MIT
// Alpha blending of bytes with rounding, and saturating brightening.
#include <stdint.h>

enum { N = 1 << 16 };
static uint8_t below[N], above[N], alpha[N], out[N];

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < N; i++)
    below[i] = (uint8_t)(i * 7), above[i] = (uint8_t)(i * 13), alpha[i] = (uint8_t)(i >> 3);
  uint64_t total = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++) {
      unsigned t = above[i] * alpha[i] + below[i] * (255 - alpha[i]) + 128;
      out[i] = (uint8_t)((t + (t >> 8)) >> 8);
    }
    for (int i = 0; i < N; i++) {
      unsigned t = out[i] + (r & 15);
      below[i] = (uint8_t)(t > 255 ? 255 : t);
    }
    total += below[r % N];
  }
  return total;
}
