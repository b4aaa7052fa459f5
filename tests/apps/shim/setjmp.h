// SPDX-License-Identifier: MIT
// setjmp and longjmp by WebAssembly exceptions, which wasi-libc does not have: for `clang -mllvm
// -wasm-enable-sjlj`, which makes functions that call setjmp into ones that catch (see setjmp.c).
#pragma once

typedef struct {
  void* invocation;  ///< of the function that called setjmp
  unsigned label;    ///< where in it
  struct {
    void* buffer;
    int value;
  } thrown;  ///< what longjmp throws the address of
} jmp_buf[1];

int setjmp(jmp_buf buffer) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf buffer, int value);
