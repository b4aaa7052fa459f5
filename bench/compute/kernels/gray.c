// SPDX-License-Identifier: MIT
// Three interleaved bytes to one, a histogram of ranges, and a byte order reversed: shuffles, comparisons,
// widening.
#include <stdint.h>

enum { N = 1 << 14 };
static uint8_t rgb[3 * N], luma[N];
static uint32_t words[N];

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < 3 * N; i++) rgb[i] = (uint8_t)(i * 11 + (i >> 6));
  for (int i = 0; i < N; i++) words[i] = (uint32_t)i * 2654435761u;
  uint64_t total = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++)
      luma[i] = (uint8_t)((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8);
    uint32_t dark = 0, bright = 0;
    for (int i = 0; i < N; i++) dark += luma[i] < 64, bright += luma[i] >= 192;
    for (int i = 0; i < N; i++) words[i] = __builtin_bswap32(words[i]) + luma[i];
    rgb[r % N] ^= (uint8_t)words[r % N];
    total += dark * 3 + bright;
  }
  return total + words[5];
}
