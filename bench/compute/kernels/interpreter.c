// SPDX-License-Identifier: MIT
// A bytecode interpreter that runs a prime sieve of trial divisions.
#include <stdint.h>

enum Op { kPush, kLoad, kStore, kAdd, kSub, kMul, kMod, kLess, kJump, kJumpZero, kHalt };

// for (n = 2; n < limit; n++) { for (d = 2; !(n < d * d); d++) if (n % d == 0) goto next; sum += n; next: }
// Variables: 0 is n, 1 is d, 2 is sum, 3 is limit. Jumps go to the positions in the comments.
static const int code[] = {kPush, 2, kStore, 0,                        // 0: n = 2
                           kLoad, 0, kLoad,  3, kLess, kJumpZero, 59,  // 4: n < limit, else end
                           kPush, 2, kStore, 1,                        // 11: d = 2
                           kLoad, 0, kLoad,  1, kLoad, 1,         kMul, kLess, kJumpZero,
                           34,                                                      // 15: n < d * d, else 34
                           kLoad, 2, kLoad,  0, kAdd,  kStore,    2,    kJump, 50,  // 25: sum += n, next
                           kLoad, 0, kLoad,  1, kMod,  kJumpZero, 50,               // 34: n % d, next if 0
                           kLoad, 1, kPush,  1, kAdd,  kStore,    1,    kJump, 15,  // 41: d++
                           kLoad, 0, kPush,  1, kAdd,  kStore,    0,    kJump, 4,   // 50: n++
                           kHalt};                                                  // 59

uint64_t kernel(uint32_t repeat) {
  int64_t stack[16], variable[4] = {0, 0, 0, 20000};
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++) {
    variable[2] = 0;
    int64_t* top = stack;
    const int* at = code;
    for (int running = 1; running;) {
      switch (*at++) {
        case kPush: *top++ = *at++; break;
        case kLoad: *top++ = variable[*at++]; break;
        case kStore: variable[*at++] = *--top; break;
        case kAdd: top--, top[-1] += *top; break;
        case kSub: top--, top[-1] -= *top; break;
        case kMul: top--, top[-1] *= *top; break;
        case kMod: top--, top[-1] %= *top; break;
        case kLess: top--, top[-1] = top[-1] < *top; break;
        case kJump: at = code + *at; break;
        case kJumpZero: at = *--top == 0 ? code + *at : at + 1; break;
        default: running = 0;
      }
    }
    sum += (uint64_t)variable[2] * (r + 1);
  }
  return sum;
}
