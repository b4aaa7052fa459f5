// SPDX-License-Identifier: MIT
// A backtracking matcher of regular expressions over a generated text.
#include <stdint.h>

static char text[1 << 16];

static int match_here(const char* pattern, const char* at);

static int match_one(char pattern, char c) { return c != 0 && (pattern == '.' || pattern == c); }

static int match_star(char repeated, const char* pattern, const char* at) {
  const char* end = at;
  while (match_one(repeated, *end)) end++;
  for (; end >= at; end--)
    if (match_here(pattern, end)) return 1;
  return 0;
}

static int match_here(const char* pattern, const char* at) {
  while (1) {
    if (pattern[0] == 0) return 1;
    if (pattern[1] == '*') return match_star(pattern[0], pattern + 2, at);
    if (pattern[1] == '?')
      return (match_one(pattern[0], *at) && match_here(pattern + 2, at + 1)) || match_here(pattern + 2, at);
    if (!match_one(pattern[0], *at)) return 0;
    pattern++, at++;
  }
}

uint64_t kernel(uint32_t repeat) {
  static const char* patterns[] = {"ab*c", "a.c", "b?cd*a", "abcab", "dd*cc*b", "aaa*bbb*a"};
  uint32_t state = 99;
  for (unsigned i = 0; i < sizeof text - 1; i++) {
    state = state * 1664525u + 1013904223u;
    text[i] = "abcd"[state >> 30];
  }
  uint64_t sum = 0;
  for (uint32_t r = 0; r < repeat; r++)
    for (unsigned p = 0; p < 6; p++)
      for (const char* at = text; *at != 0; at++) sum += (uint64_t)match_here(patterns[p], at) << p;
  return sum;
}
