// SPDX-License-Identifier: MIT
// Chases pointers through a random cycle of 64 KiB nodes.
#include <stdint.h>

enum { N = 1 << 16 };
struct Node {
  struct Node* next;
  uint32_t value;
};
static struct Node nodes[N];
static uint32_t order[N];

uint64_t kernel(uint32_t repeat) {
  uint32_t state = 7;
  for (uint32_t i = 0; i < N; i++) order[i] = i;
  for (uint32_t i = N - 1; i > 0; i--) {
    state = state * 1664525u + 1013904223u;
    const uint32_t j = (uint32_t)((uint64_t)state * (i + 1) >> 32), t = order[i];
    order[i] = order[j], order[j] = t;
  }
  for (uint32_t i = 0; i < N; i++) {
    nodes[order[i]].next = &nodes[order[(i + 1) % N]];
    nodes[order[i]].value = i * 2654435761u;
  }
  uint64_t sum = 0;
  const struct Node* node = nodes;
  for (uint32_t r = 0; r < repeat; r++)
    for (uint32_t i = 0; i < N; i++, node = node->next) sum += node->value ^ i;
  return sum;
}
