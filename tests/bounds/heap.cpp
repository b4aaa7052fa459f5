// SPDX-License-Identifier: MIT
#include "tests/bounds/heap.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {
std::size_t live = 0, peak = 0;  // the tests have one thread

void* counted(void* at) {
  if (!at) std::abort();
  live += malloc_usable_size(at);
  peak = std::max(peak, live);
  return at;
}
void give_back(void* at) {
  live -= at ? malloc_usable_size(at) : 0;
  std::free(at);
}
}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t align) {
  const auto a = static_cast<std::size_t>(align);
  return counted(std::aligned_alloc(a, (size + a - 1) & ~(a - 1)));
}
void operator delete(void* at) noexcept { give_back(at); }
void operator delete(void* at, std::size_t) noexcept { give_back(at); }
void operator delete(void* at, std::align_val_t) noexcept { give_back(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { give_back(at); }

namespace nebulet::bounds {
std::size_t heap_bytes() { return live; }
std::size_t peak_heap_bytes() { return peak; }
void reset_peak() { peak = live; }
}  // namespace nebulet::bounds
