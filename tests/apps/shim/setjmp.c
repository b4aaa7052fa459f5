// SPDX-License-Identifier: MIT
// The functions that clang's code calls for setjmp and longjmp (LLVM's WebAssemblyLowerEmscriptenEHSjLj.cpp
// says which).
#include "setjmp.h"

#include <stddef.h>

/// The tag __c_longjmp, by its number among those that the compiler knows.
enum { kLongjmpTag = 1 };

void __wasm_setjmp(jmp_buf buffer, unsigned label, void* invocation) {
  buffer->invocation = invocation;
  buffer->label = label;
}

/// The label of the setjmp of this invocation that a caught exception is for, or 0.
unsigned __wasm_setjmp_test(jmp_buf buffer, void* invocation) {
  return buffer->invocation == invocation ? buffer->label : 0;
}

_Noreturn void __wasm_longjmp(jmp_buf buffer, int value) {
  buffer->thrown.buffer = buffer;
  buffer->thrown.value = value != 0 ? value : 1;
  __builtin_wasm_throw(kLongjmpTag, &buffer->thrown);
}
