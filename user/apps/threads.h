/* SPDX-License-Identifier: MIT
 * What programs with threads have here in place of a C library, since Debian's knows no threads: starting
 * threads, waiting for them and for a word of memory, reports in TAP (testanything.org). */
#pragma once

#include "abi/sdk/nebulet.h"

/* What a thread starts with. Its stack pointer comes first: wasi_thread_start reads it there. */
struct start {
  void* stack;
  void (*body)(int number);
};
enum { kThreads = 4, kStack = 8192 };
static struct start starts[kThreads];
static char stacks[kThreads][kStack] __attribute__((aligned(16)));

void run_thread(int number, const struct start* start) { start->body(number); }
__asm__(
    ".globaltype __stack_pointer, i32\n"
    ".functype run_thread (i32, i32) -> ()\n"
    ".globl wasi_thread_start\n"
    ".export_name wasi_thread_start, wasi_thread_start\n"
    ".type wasi_thread_start,@function\n"
    "wasi_thread_start:\n"
    "  .functype wasi_thread_start (i32, i32) -> ()\n"
    "  local.get 1\n"
    "  i32.load 0\n"
    "  global.set __stack_pointer\n"
    "  local.get 0\n"
    "  local.get 1\n"
    "  call run_thread\n"
    "  end_function\n");

static uint32_t startup[64];
static int number, failures;

static void print(const char* text) {
  size_t length = 0;
  while (text[length]) ++length;
  nb_console_write(startup[4], NB_CONSOLE_STREAM_OUT, text, length);
}
static void print_number(int value) {
  char digits[12], *at = digits + 11;
  *at = 0;
  do *--at = (char)('0' + value % 10);
  while (value /= 10);
  print(at);
}
static void check(int passed, const char* what) {
  print(passed ? "ok " : "not ok ");
  print_number(++number);
  print(" - ");
  print(what);
  print("\n");
  failures += !passed;
}

static const uint64_t kMs = 1000000;
static inline uint64_t now(void) { return (uint64_t)nb_clock_read(NB_CLOCK_MONOTONIC); }

static inline int64_t spawn(int which, void (*body)(int)) {
  starts[which] = (struct start){stacks[which] + kStack, body};
  return nb_thread_spawn((uint32_t)&starts[which]);
}
static inline int join(int64_t thread) {
  const int ended = nb_object_wait((nb_handle_t)thread, NB_SIGNAL_TERMINATED, now() + 20000 * kMs) > 0;
  return nb_handle_close((nb_handle_t)thread) == 0 && ended;
}

static inline int* address(_Atomic int* of) { return (int*)of; }
static inline int wait(_Atomic int* at, int expected, int64_t timeout) {
  return __builtin_wasm_memory_atomic_wait32(address(at), expected, timeout);
}
static inline int notify(_Atomic int* at, uint32_t count) {
  return (int)__builtin_wasm_memory_atomic_notify(address(at), count);
}
