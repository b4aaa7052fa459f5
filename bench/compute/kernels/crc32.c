// SPDX-License-Identifier: MIT
// CRC-32 by a table, a byte at a time, 256 KiB a round.
#include <stdint.h>

static uint32_t table[256];
static uint8_t data[1 << 18];

uint64_t kernel(uint32_t repeat) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1) * 0xedb88320u;
    table[i] = value;
  }
  for (uint32_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 131 >> 3);
  uint32_t crc = 0xffffffffu;
  for (uint32_t r = 0; r < repeat; r++)
    for (uint32_t i = 0; i < sizeof data; i++) crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
  return ~crc;
}
