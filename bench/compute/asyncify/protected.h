// SPDX-License-Identifier: MIT
// longjmp for Lua without exceptions. Lua only ever jumps out of a protected call, so what it needs is to
// leave all functions down to that call (protected.c).
#pragma once

/// Calls function(state, argument) and returns; also if it calls lua_shim_throw.
void lua_shim_try(void (*function)(void*, void*), void* state, void* argument);
/// Leaves all functions down to the innermost lua_shim_try.
void lua_shim_throw(void);

#define luai_jmpbuf int
#define LUAI_TRY(L, c, a) lua_shim_try((void (*)(void*, void*))f, L, ud)
#define LUAI_THROW(L, c) lua_shim_throw()
