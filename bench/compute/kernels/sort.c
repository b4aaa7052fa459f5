// SPDX-License-Identifier: MIT
// Quicksort with insertion sort for short ranges, 50000 numbers.
#include <stdint.h>

enum { N = 50000 };
static uint32_t numbers[N];

static void sort(uint32_t* a, int low, int high) {
  while (high - low > 16) {
    const uint32_t pivot = a[low + (high - low) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        const uint32_t t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    if (j - low < high - i) {
      sort(a, low, j);
      low = i;
    } else {
      sort(a, i, high);
      high = j;
    }
  }
  for (int i = low + 1; i <= high; i++) {
    const uint32_t value = a[i];
    int j = i - 1;
    for (; j >= low && a[j] > value; j--) a[j + 1] = a[j];
    a[j + 1] = value;
  }
}

uint64_t kernel(uint32_t repeat) {
  uint64_t sum = 0;
  uint32_t state = 12345;
  for (uint32_t r = 0; r < repeat; r++) {
    for (int i = 0; i < N; i++) numbers[i] = state = state * 1664525u + 1013904223u;
    sort(numbers, 0, N - 1);
    for (int i = 0; i < N; i += 97) sum = sum * 31 + numbers[i];
  }
  return sum;
}
