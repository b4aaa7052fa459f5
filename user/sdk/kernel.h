// SPDX-License-Identifier: MIT
// The kernel calls that wasm programs of user/ use: C functions of import module "nebulet". Pointers are into the
// calling module's own memory; `caller_address` is an address in the memory of the module that called this one.
// Calls that can fail return a negative Status, else a count.
#pragma once

#include <cstdint>

#if defined(__wasm__)
#define NB_KERNEL_CALL(name) __attribute__((import_module("nebulet"), import_name(name)))
#else
#define NB_KERNEL_CALL(name)
#endif

extern "C" {

/// Size in bytes of the caller's memory.
NB_KERNEL_CALL("caller_memory_size") std::uint64_t nebulet_caller_memory_size();
/// Copies from the caller's memory; negative when the range is outside it.
NB_KERNEL_CALL("caller_memory_read")
std::int32_t nebulet_caller_memory_read(std::uint64_t caller_address, void* into, std::uint32_t length);
/// Copies into the caller's memory; negative when the range is outside it.
NB_KERNEL_CALL("caller_memory_write")
std::int32_t nebulet_caller_memory_write(std::uint64_t caller_address, const void* from, std::uint32_t length);

/// Waits for input, returns how many bytes were read, 0 at the end of input.
NB_KERNEL_CALL("console_read") std::int32_t nebulet_console_read(void* into, std::uint32_t length);
/// Writes to stream 1 (output) or 2 (errors); returns how many bytes were taken.
NB_KERNEL_CALL("console_write")
std::int32_t nebulet_console_write(std::uint32_t stream, const void* from, std::uint32_t length);

/// Nanoseconds of a clock: 0 realtime, 1 monotonic, 2 process CPU time, 3 thread CPU time.
NB_KERNEL_CALL("clock_read") std::int64_t nebulet_clock_read(std::uint32_t clock);
NB_KERNEL_CALL("entropy_read") std::int32_t nebulet_entropy_read(void* into, std::uint32_t length);
/// Sleeps until the monotonic clock reads `deadline` nanoseconds.
NB_KERNEL_CALL("thread_sleep_until") std::int32_t nebulet_thread_sleep_until(std::int64_t deadline);
NB_KERNEL_CALL("thread_yield") void nebulet_thread_yield();
[[noreturn]] NB_KERNEL_CALL("process_exit") void nebulet_process_exit(std::uint32_t code);

/// Sends one 9P2000.L message to the process's file server and waits for the reply; returns the reply's length.
NB_KERNEL_CALL("files_transact")
std::int32_t nebulet_files_transact(const void* request, std::uint32_t request_length, void* reply,
                                    std::uint32_t reply_capacity);

/// Copies the start-up block and returns its whole length: little-endian words argc, envc, preopenc, flags, then that
/// many NUL-terminated strings in that order. Flag bits 0, 1, 2: stdin, stdout, stderr are terminals.
NB_KERNEL_CALL("startup_read") std::int32_t nebulet_startup_read(void* into, std::uint32_t capacity);
NB_KERNEL_CALL("log_write") void nebulet_log_write(const void* text, std::uint32_t length);

}  // extern "C"
