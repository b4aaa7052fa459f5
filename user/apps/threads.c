/* SPDX-License-Identifier: MIT
 * Threads as a program sees them: each is a new instance over the same shared memory (the shape of
 * wasi-threads). Without a C library, since Debian's knows no threads. Reports in TAP (testanything.org).
 * With the argument `trap` or `exit` a thread ends the process that way while others wait. */
#include "user/apps/threads.h"

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int32_t
wasi_thread_spawn(uint32_t argument);

static _Atomic int counter, ready, turn, numbers;
static void count(int self) {
  numbers |= 1 << self;
  for (int i = 0; i < 10000; ++i) ++counter;
}
static void sleep_until_ready(int self) {
  (void)self;
  ++counter;
  while (!ready) wait(&ready, 0, -1);
  --counter;
}
static void wake_later(int self) {
  (void)self;
  nb_thread_sleep_until(now() + 10 * kMs);
  ready = 1;
  notify(&ready, 1);
}
enum { kRounds = 2000 };
static void take_turns(int self) {
  (void)self;
  for (int i = 0; i < kRounds; ++i) {
    while (turn != 1) wait(&turn, 0, -1);
    turn = 0;
    notify(&turn, 1);
  }
}
static void spin(int self) {
  (void)self;
  for (;;) ++counter;
}
static void trap(int self) {
  (void)self;
  nb_thread_sleep_until(now() + 20 * kMs);
  __builtin_trap();
}
static void leave(int self) {
  (void)self;
  nb_thread_sleep_until(now() + 20 * kMs);
  nb_process_exit(9);
}

/* The first letter of the second argument, as process_startup has it; 0: there is none. */
static char role(void) {
  if (startup[7] < 2) return 0;
  return ((const char*)&startup[8 + 1 + (startup[8] + 3) / 4 + 1])[0];
}

static void end_while_others_wait(void (*body)(int)) {
  spawn(0, sleep_until_ready);
  spawn(1, spin);
  spawn(2, body);
  wait(&ready, 0, -1);
}

void _start(void) {
  nb_process_startup(startup, sizeof startup);
  if (role() == 't') end_while_others_wait(trap);
  if (role() == 'e') end_while_others_wait(leave);
  const int64_t open = nb_process_info(NB_PROCESS_PROPERTY_HANDLES),
                used = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);

  int64_t threads[kThreads];
  int spawned = 1, joined = 1;
  for (int i = 0; i < kThreads; ++i) spawned &= (threads[i] = spawn(i, count)) > 0;
  check(spawned, "threads start");
  check(nb_handle_info((nb_handle_t)threads[0], NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_THREAD,
        "they are objects");
  for (int i = 0; i < kThreads; ++i) joined &= join(threads[i]);
  check(joined, "and tell when they end");
  check(counter == kThreads * 10000, "they share the memory");
  check(numbers == 2 + 4 + 8 + 16, "their numbers count from 1");
  check(nb_process_info(NB_PROCESS_PROPERTY_THREADS) == 1, "one thread is left");

  check(wait(&ready, 1, -1) == 1, "one does not wait for what is not there");
  check(wait(&ready, 0, 2 * (int64_t)kMs) == 2, "a wait ends at its time");
  check(notify(&ready, ~0u) == 0, "nobody waits");
  threads[0] = spawn(0, wake_later);
  check(wait(&ready, 0, 20000 * (int64_t)kMs) == 0, "one thread wakes another");
  join(threads[0]);

  ready = counter = 0;
  for (int i = 0; i < 3; ++i) threads[i] = spawn(i, sleep_until_ready);
  while (counter != 3) nb_thread_yield();
  nb_thread_sleep_until(now() + 10 * kMs);
  check(notify(&ready, 1) == 1 && counter == 3, "one of three is woken, and waits again");
  nb_thread_sleep_until(now() + 10 * kMs);
  ready = 1;
  check(notify(&ready, ~0u) == 3, "all three are woken");
  joined = 1;
  for (int i = 0; i < 3; ++i) joined &= join(threads[i]);
  check(joined && counter == 0, "and end");

  threads[0] = spawn(0, take_turns);
  for (int i = 0; i < kRounds; ++i) {
    turn = 1;
    notify(&turn, 1);
    while (turn != 0) wait(&turn, 1, -1);
  }
  check(join(threads[0]), "two threads take turns");

  numbers = counter = 0;
  starts[0] = (struct start){stacks[0] + kStack, count};
  const int32_t id = wasi_thread_spawn((uint32_t)&starts[0]);
  check(id > 0, "wasi-threads' call gives the thread's number");
  const uint64_t give_up = now() + 20000 * kMs;
  while (nb_process_info(NB_PROCESS_PROPERTY_THREADS) != 1 && now() < give_up) nb_thread_yield();
  check(counter == 10000 && numbers == 1 << id, "and starts it");

  check(nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == open, "no handle is left");
  /* A page of the memory or of the stack may have been touched for the first time. */
  check(nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) <= used + (128 << 10),
        "threads give back what they had");
  print("1..");
  print_number(number);
  print("\n");
  nb_process_exit(failures != 0);
}
