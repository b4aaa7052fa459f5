// SPDX-License-Identifier: MIT
// Forward and inverse 8 x 8 integer cosine transforms, 1024 blocks a round.
#include <stdint.h>

static int16_t blocks[1024][64];
static const int cosine[8][8] = {{64, 64, 64, 64, 64, 64, 64, 64},     {89, 75, 50, 18, -18, -50, -75, -89},
                                 {83, 36, -36, -83, -83, -36, 36, 83}, {75, -18, -89, -50, 50, 89, 18, -75},
                                 {64, -64, -64, 64, 64, -64, -64, 64}, {50, -89, 18, 75, -75, -18, 89, -50},
                                 {36, -83, 83, -36, -36, 83, -83, 36}, {18, -50, 75, -89, 89, -75, 50, -18}};

static void transform(int16_t* block, int inverse, int shift) {
  int t[64];
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++) {
      int sum = 1 << (shift - 1);
      for (int n = 0; n < 8; n++) sum += block[i * 8 + n] * (inverse ? cosine[n][j] : cosine[j][n]);
      t[j * 8 + i] = sum >> shift;
    }
  for (int i = 0; i < 64; i++) block[i] = (int16_t)t[i];
}

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < 1024 * 64; i++) blocks[i / 64][i % 64] = (int16_t)(i * 37 % 256 - 128);
  for (uint32_t r = 0; r < repeat; r++)
    for (int b = 0; b < 1024; b++) {
      transform(blocks[b], 0, 7);
      transform(blocks[b], 0, 8);
      transform(blocks[b], 1, 7);
      transform(blocks[b], 1, 8);
    }
  uint64_t sum = 0;
  for (int i = 0; i < 1024 * 64; i++) sum = sum * 31 + (uint16_t)blocks[i / 64][i % 64];
  return sum;
}
