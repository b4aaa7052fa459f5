// SPDX-License-Identifier: MIT
// Base64: 96 KiB are encoded and decoded again.
#include <stdint.h>

enum { kBytes = 96 * 1024, kText = kBytes / 3 * 4 };
static uint8_t bytes[kBytes], again[kBytes], values[256];
static char text[kText];
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(void) {
  const uint8_t* from = bytes;
  for (char* to = text; to != text + kText; from += 3, to += 4) {
    const uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    to[0] = digits[group >> 18];
    to[1] = digits[group >> 12 & 63];
    to[2] = digits[group >> 6 & 63];
    to[3] = digits[group & 63];
  }
}

static int decode(void) {
  uint8_t* to = again;
  for (const char* from = text; from != text + kText; from += 4, to += 3) {
    uint32_t group = 0;
    for (int i = 0; i < 4; i++) {
      const uint8_t value = values[(uint8_t)from[i]];
      if (value > 63) return 0;
      group = group << 6 | value;
    }
    to[0] = (uint8_t)(group >> 16);
    to[1] = (uint8_t)(group >> 8);
    to[2] = (uint8_t)group;
  }
  return 1;
}

uint64_t kernel(uint32_t repeat) {
  for (int i = 0; i < 256; i++) values[i] = 255;
  for (int i = 0; i < 64; i++) values[(uint8_t)digits[i]] = (uint8_t)i;
  for (uint32_t i = 0; i < kBytes; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 24);
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    bytes[r % kBytes] ^= (uint8_t)r;
    encode();
    if (!decode()) return 0;
    sum = sum * 31 + again[r * 7 % kBytes] + (uint8_t)text[r * 5 % kText];
  }
  return sum;
}
