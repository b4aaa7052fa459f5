// SPDX-License-Identifier: MIT
// UTF-8 to UTF-16 with all checks of RFC 3629, 128 KiB of text of four languages' likes.
#include <stdint.h>

enum { kBytes = 128 * 1024 };
static uint8_t text[kBytes + 4];
static uint16_t units[kBytes];

static uint32_t put(uint32_t at, uint32_t c) {
  if (c < 0x80) {
    text[at] = (uint8_t)c;
    return at + 1;
  }
  const int extra = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  text[at] = (uint8_t)(lead[extra] | c >> 6 * extra);
  for (int i = extra - 1, to = (int)at + 1; i >= 0; i--) text[to++] = (uint8_t)(0x80 | (c >> 6 * i & 63));
  return at + (uint32_t)extra + 1;
}

/// The number of units, or -1.
static int convert(uint32_t length) {
  int count = 0;
  for (uint32_t i = 0; i < length;) {
    const uint32_t first = text[i];
    if (first < 0x80) {
      units[count++] = (uint16_t)first;
      i++;
      continue;
    }
    const int extra = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || i + (uint32_t)extra >= length) return -1;
    uint32_t c = first & (0x3fu >> extra);
    for (int k = 1; k <= extra; k++) {
      if ((text[i + (uint32_t)k] & 0xc0) != 0x80) return -1;
      c = c << 6 | (text[i + (uint32_t)k] & 63);
    }
    if ((extra == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (extra == 3 && (c < 0x10000 || c > 0x10ffff)))
      return -1;
    if (extra == 3) {
      units[count++] = (uint16_t)(0xd7c0 + (c >> 10));
      units[count++] = (uint16_t)(0xdc00 | (c & 0x3ff));
    } else {
      units[count++] = (uint16_t)c;
    }
    i += (uint32_t)extra + 1;
  }
  return count;
}

uint64_t kernel(uint32_t repeat) {
  static const uint32_t bases[] = {'a', 0x430, 0x4e00, 'a', 0x1f600, 'a', 0x3b1, 'a'};
  uint32_t length = 0, state = 1;
  while (length < kBytes - 64) {
    state = state * 1664525u + 1013904223u;
    for (uint32_t k = 0; k < 6; k++) length = put(length, bases[state >> 29] + (state >> k * 4) % 24);
  }
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    const int count = convert(length);
    if (count < 0) return 0;
    sum = sum * 31 + (uint64_t)count + units[(r * 7919) % (uint32_t)count];
  }
  return sum;
}
