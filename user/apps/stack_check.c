// SPDX-License-Identifier: MIT
// Debian's compiler-rt for wasm32 is built with a stack protector, whose two symbols wasi-libc does not have.
// Programs that divide 128-bit numbers, as std::format does, link this file.
#include <stdint.h>

uintptr_t __stack_chk_guard = 0x2f6ac319;

__attribute__((noreturn)) void __stack_chk_fail(void) { __builtin_trap(); }
