// SPDX-License-Identifier: MIT
// A protected call of Lua by Binaryen's asyncify, for an engine without exceptions: the unwinding saves the
// state of each function on the way out, so that they could be resumed. They never are: the saved state is
// thrown away, and what is left is an exception. `wasm-opt --asyncify` instruments everything that may be on
// the way, and not these two functions, since they control it.
#include <stdint.h>

#include "protected.h"

__attribute__((import_module("asyncify"), import_name("start_unwind"))) void asyncify_start_unwind(
    void* data);
__attribute__((import_module("asyncify"), import_name("stop_unwind"))) void asyncify_stop_unwind(void);

__asm__(".globaltype __stack_pointer, i32\n");

static char saved_frames[1 << 20];
static struct {
  char* current;
  char* end;
} unwinding;
static int thrown;

static inline __attribute__((always_inline)) uintptr_t stack_pointer(void) {
  uintptr_t value;
  __asm__ volatile("global.get __stack_pointer\n local.set %0" : "=r"(value));
  return value;
}

// The functions that are left do not run their ends, so the stack in memory is set back here.
static inline __attribute__((always_inline)) void set_stack_pointer(uintptr_t value) {
  __asm__ volatile("local.get %0\n global.set __stack_pointer" : : "r"(value));
}

__attribute__((noinline)) void lua_shim_try(void (*function)(void*, void*), void* state, void* argument) {
  const uintptr_t stack = stack_pointer();
  function(state, argument);
  if (thrown) {
    thrown = 0;
    asyncify_stop_unwind();
    set_stack_pointer(stack);
  }
}

__attribute__((noinline)) void lua_shim_throw(void) {
  thrown = 1;
  unwinding.current = saved_frames;
  unwinding.end = saved_frames + sizeof saved_frames;
  asyncify_start_unwind(&unwinding);
}
