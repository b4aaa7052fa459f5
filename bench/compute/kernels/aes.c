// SPDX-License-Identifier: MIT
// AES-128 in counter mode with byte tables, 64 KiB a round.
#include <stdint.h>

static uint8_t sbox[256], round_keys[176], block[16];

static uint8_t times2(uint8_t x) { return (uint8_t)(x << 1 ^ (x >> 7) * 0x1b); }

static void prepare(void) {
  // The S-box from powers of the generator 3 and their inverses.
  uint8_t p = 1, q = 1;
  do {
    p = (uint8_t)(p ^ times2(p));
    q ^= (uint8_t)(q << 1);
    q ^= (uint8_t)(q << 2);
    q ^= (uint8_t)(q << 4);
    if (q & 0x80) q ^= 0x09;
    const uint8_t x =
        (uint8_t)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4));
    sbox[p] = x ^ 0x63;
  } while (p != 1);
  sbox[0] = 0x63;
  uint8_t constant = 1;
  for (int i = 0; i < 16; i++) round_keys[i] = (uint8_t)(i * 17);
  for (int i = 16; i < 176; i += 4) {
    uint8_t t[4] = {round_keys[i - 4], round_keys[i - 3], round_keys[i - 2], round_keys[i - 1]};
    if (i % 16 == 0) {
      const uint8_t first = t[0];
      t[0] = sbox[t[1]] ^ constant, t[1] = sbox[t[2]], t[2] = sbox[t[3]], t[3] = sbox[first];
      constant = times2(constant);
    }
    for (int k = 0; k < 4; k++) round_keys[i + k] = round_keys[i + k - 16] ^ t[k];
  }
}

static void encrypt(uint8_t* s) {
  for (int i = 0; i < 16; i++) s[i] ^= round_keys[i];
  for (int round = 1; round <= 10; round++) {
    uint8_t t[16];
    for (int i = 0; i < 16; i++) t[i] = sbox[s[(i + 4 * (i % 4)) % 16]];
    for (int c = 0; c < 16; c += 4) {
      const uint8_t all = t[c] ^ t[c + 1] ^ t[c + 2] ^ t[c + 3];
      for (int k = 0; k < 4; k++) {
        const uint8_t mixed = t[c + k] ^ all ^ times2(t[c + k] ^ t[c + (k + 1) % 4]);
        s[c + k] = (round == 10 ? t[c + k] : mixed) ^ round_keys[round * 16 + c + k];
      }
    }
  }
}

uint64_t kernel(uint32_t repeat) {
  prepare();
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++)
    for (uint32_t i = 0; i < 4096; i++) {
      block[0] ^= (uint8_t)i, block[1] ^= (uint8_t)(i >> 8), block[2] ^= (uint8_t)r;
      encrypt(block);
      sum = sum * 31 + block[i % 16];
    }
  return sum;
}
