// SPDX-License-Identifier: MIT
// An LZ77 compressor with a hash table and its decompressor, of the kind of LZ4; 256 KiB a round.
#include <stdint.h>
#include <string.h>

enum { kBytes = 1 << 18, kHashBits = 13, kLeast = 4, kMost = 255 + kLeast };
static uint8_t data[kBytes], packed[kBytes * 2], again[kBytes];
static uint32_t heads[1 << kHashBits];

static uint32_t read32(const uint8_t* at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint8_t* put_literals(uint8_t* to, const uint8_t* from, uint32_t count) {
  while (count > 0) {
    const uint32_t part = count < 255 ? count : 255;
    *to++ = 0;
    *to++ = (uint8_t)part;
    for (uint32_t i = 0; i < part; i++) *to++ = *from++;
    count -= part;
  }
  return to;
}

/// Each item is 0, count, bytes; or distance (2 bytes, not 0 in the first), length.
static uint32_t compress(void) {
  memset(heads, 0, sizeof heads);
  uint8_t* to = packed;
  uint32_t begin = 0, at = 1;
  while (at + kLeast < kBytes) {
    const uint32_t word = read32(data + at), slot = word * 2654435761u >> (32 - kHashBits),
                   candidate = heads[slot];
    heads[slot] = at;
    const uint32_t distance = at - candidate;
    if (distance > 0x7fff || read32(data + candidate) != word) {
      at++;
      continue;
    }
    uint32_t length = kLeast;
    while (length < kMost && at + length < kBytes && data[candidate + length] == data[at + length]) length++;
    to = put_literals(to, data + begin, at - begin);
    *to++ = (uint8_t)(0x80 | distance >> 8);
    *to++ = (uint8_t)distance;
    *to++ = (uint8_t)(length - kLeast);
    begin = at += length;
  }
  return (uint32_t)(put_literals(to, data + begin, kBytes - begin) - packed);
}

static uint32_t decompress(uint32_t size) {
  uint8_t* to = again;
  for (const uint8_t *from = packed, *end = packed + size; from < end;) {
    const uint32_t first = *from++;
    if (first == 0) {
      for (uint32_t count = *from++; count > 0; count--) *to++ = *from++;
      continue;
    }
    const uint32_t distance = (first & 0x7f) << 8 | *from++;
    const uint8_t* source = to - distance;
    for (uint32_t count = *from++ + kLeast; count > 0; count--) *to++ = *source++;
  }
  return (uint32_t)(to - again);
}

uint64_t kernel(uint32_t repeat) {
  static const char words[] = "the of and to in is that it was for on are as with his they at be this from ";
  uint64_t sum = 0;
  uint32_t state = 5;
  for (uint32_t i = 0; i < kBytes; i++) {
    if (i % 11 == 0) state = state * 1664525u + 1013904223u;
    data[i] = (uint8_t)words[(state >> 20) % (sizeof words - 12) + i % 11];
  }
  for (uint32_t r = 0; r < repeat; r++) {
    data[r * 31 % kBytes] ^= 1;
    const uint32_t size = compress();
    if (decompress(size) != kBytes || memcmp(data, again, kBytes) != 0) return 0;
    sum = sum * 31 + size;
  }
  return sum;
}
