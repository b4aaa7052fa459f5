// SPDX-License-Identifier: MIT
// Assertions: for our own mistakes only. No input of a module, a device or a user may reach one.
#pragma once

#include <source_location>

namespace nebulet {

/// Ends the kernel (or the host process) with `message`. The machine sets what happens through
/// `set_panic_handler`.
[[noreturn]] void panic(const char* message, std::source_location where = std::source_location::current());

using PanicHandler = void (*)(const char* message, const char* file, unsigned line);
/// Must not return. Called once, before other CPUs run.
void set_panic_handler(PanicHandler handler);

}  // namespace nebulet

/// Always on: the check costs less than a kernel that runs on with a broken invariant.
#define NB_ASSERT(condition) ((condition) ? (void)0 : ::nebulet::panic("assertion failed: " #condition))

/// On in debug builds only; for checks inside hot loops of the compiler.
#ifdef NDEBUG
#define NB_DEBUG_ASSERT(condition) ((void)0)
#else
#define NB_DEBUG_ASSERT(condition) NB_ASSERT(condition)
#endif
