// SPDX-License-Identifier: MIT
// An open-addressing hash map of 64-bit keys: inserts, hits and misses.
#include <stdint.h>
#include <string.h>
enum { kSlots = 1 << 17 };
static uint64_t keys[kSlots], values[kSlots];

static inline uint32_t slot_of(uint64_t key) {
  return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 47) & (kSlots - 1);
}

uint64_t kernel(uint32_t repeat) {
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    memset(keys, 0, sizeof keys);
    uint64_t state = 88172645463325252u + r;
    for (int i = 0; i < 60000; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      uint32_t slot = slot_of(state | 1);
      while (keys[slot] != 0 && keys[slot] != (state | 1)) slot = (slot + 1) & (kSlots - 1);
      keys[slot] = state | 1;
      values[slot] += (uint64_t)i;
    }
    state = 88172645463325252u + r;
    for (int i = 0; i < 120000; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      uint32_t slot = slot_of(state | 1);
      while (keys[slot] != 0 && keys[slot] != (state | 1)) slot = (slot + 1) & (kSlots - 1);
      if (keys[slot] != 0) sum += values[slot] ^ (uint64_t)i;
    }
  }
  return sum;
}
