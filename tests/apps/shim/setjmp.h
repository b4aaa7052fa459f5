// SPDX-License-Identifier: MIT
// setjmp for Lua on WebAssembly, which wasi-libc does not have. Lua only ever jumps out of a protected call,
// so what it needs is to leave all functions down to that call: protected.c does it with Binaryen's asyncify.
#pragma once

/// Calls function(state, argument) and returns; also if it calls lua_shim_throw.
void lua_shim_try(void (*function)(void*, void*), void* state, void* argument);
/// Leaves all functions down to the innermost lua_shim_try.
void lua_shim_throw(void);

#define luai_jmpbuf int
#define LUAI_TRY(L, c, a) lua_shim_try((void (*)(void*, void*))f, L, ud)
#define LUAI_THROW(L, c) lua_shim_throw()
