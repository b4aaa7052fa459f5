// SPDX-License-Identifier: MIT
// A filter of 16 coefficients over single-precision samples, and the root mean square of blocks.
#include <math.h>
#include <stdint.h>

enum { N = 1 << 13, TAPS = 16 };
static float in[N + TAPS], out[N], energy[N / 4];

uint64_t kernel(uint32_t repeat) {
  float taps[TAPS];
  for (int i = 0; i < N + TAPS; i++) in[i] = (float)((i * 37) % 101) / 101.0f;
  for (int i = 0; i < TAPS; i++) taps[i] = 1.0f / (float)(i + 1);
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++) out[i] = 0;
    for (int k = 0; k < TAPS; k++)
      for (int i = 0; i < N; i++) out[i] += taps[k] * in[i + k];
    for (int i = 0; i < N / 4; i++)
      energy[i] = sqrtf(out[4 * i] * out[4 * i] + out[4 * i + 1] * out[4 * i + 1]);
    in[r % N] += energy[r % (N / 4)] * 0.001f;
  }
  double total = 0;
  for (int i = 0; i < N / 4; i++) total += energy[i];
  uint64_t bits;
  __builtin_memcpy(&bits, &total, sizeof bits);
  return bits;
}
