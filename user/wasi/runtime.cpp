// SPDX-License-Identifier: MIT
// What the C++ library wants from its environment, so that nothing of the C library that would import WASI is
// linked. Out of memory and a broken assertion end in a trap, which ends the process.
#include <cstdlib>
#include <new>
#include <string>

#include "user/wasi/entry.h"

void* operator new(std::size_t size) {
  void* memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) __builtin_trap();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" void abort() { __builtin_trap(); }

extern "C" void __wasm_call_ctors();

static __attribute__((noinline)) void first_initialization() {
  if (nebulet::wasi::call_state.free != nullptr) return;
  __wasm_call_ctors();
  nebulet::wasi::call_state.free = new nebulet::wasi::CallPlace;
}

void std::__libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
template class std::basic_string<char>;

/// A reactor's start function: the loader calls it for each thread, before any other export. All have the
/// same stack here, one after the other.
extern "C" __attribute__((export_name("_initialize"))) void initialize() {
  nebulet::wasi::call_state.lock.lock();
  first_initialization();
  nebulet::wasi::call_state.lock.unlock();
}
