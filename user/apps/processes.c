/* SPDX-License-Identifier: MIT
 * Processes as programs see them: modules made from bytes, processes of the program's own module, what they
 * are given, how they end, what comes back. Reports in TAP (testanything.org). With an argument it is the
 * child that the argument says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/apps/tap.h"

static const uint64_t kMemory = 8 << 20;
static int64_t used(void) { return nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED); }

/* (func (export "run") (call $process_exit (i32.const 42))) */
static const unsigned char kExit42[] =
    "\0asm\1\0\0\0\1\10\2\140\1\177\0\140\0\0\2\30\1\7nebulet\14process_"
    "exit\0\0\3\2\1\1\7\7\1\3run\0\1\12\10\1\6"
    "\0\101\52\20\0\13";
/* (import "a" "b" (func)) */
static const unsigned char kNeedsImport[] = "\0asm\1\0\0\0\1\4\1\140\0\0\2\7\1\1a\1b\0\0";
/* (memory 1) (data (i32.const 65535) "xy") */
static const unsigned char kBadSegment[] = "\0asm\1\0\0\0\5\3\1\0\1\13\12\1\0\101\377\377\3\13\2xy";

static nb_handle_t module_of(const void* bytes, size_t size) {
  char message[200];
  return (nb_handle_t)nb_module_create(bytes, size, message, sizeof message);
}

static size_t put_word(unsigned char* at, uint32_t value) {
  memcpy(at, &value, 4);
  return 4;
}
static size_t put_string(unsigned char* at, const char* text) {
  const uint32_t length = (uint32_t)strlen(text);
  put_word(at, length);
  memcpy(at + 4, text, length);
  return 4 + ((length + 3) & ~3u);
}

static nb_handle_t console_handle(void) {
  uint32_t words[2] = {0, 0};
  nb_process_startup(words, sizeof words);
  return words[1];
}

/* A process of this program, not started. */
static int64_t new_child(uint64_t memory) {
  const int64_t process = nb_process_create("child", 5, memory);
  if (process < 0) return process;
  static const char* const names[] = {"wasi_snapshot_preview1", "program"};
  for (int i = 0; i < 2; ++i) {
    char message[200];
    const nb_handle_t module = (nb_handle_t)nb_module_of(names[i], strlen(names[i]));
    const nb_status_t added =
        nb_process_add((nb_handle_t)process, module, names[i], strlen(names[i]), message, sizeof message);
    nb_handle_close(module);
    if (added != 0) {
      printf("# %.*s\n", (int)sizeof message, message);
      nb_handle_close((nb_handle_t)process);
      return added;
    }
  }
  return process;
}

/* Starts it with the console and perhaps one more handle, which is then its second. */
static nb_status_t start_child(nb_handle_t process, const char* role, nb_handle_t more) {
  unsigned char block[256];
  memset(block, 0, sizeof block);
  size_t at = put_word(block, 2); /* version */
  at += put_word(block + at, 1);  /* console */
  at += put_word(block + at, 0);  /* devices */
  for (int i = 0; i < 3; ++i) at += put_word(block + at, 1);
  at += put_word(block + at, 0); /* terminals */
  at += put_word(block + at, 2);
  at += put_string(block + at, "processes");
  at += put_string(block + at, role);
  at += put_word(block + at, 0);
  at += put_word(block + at, 0);
  nb_handle_t handles[2] = {
      (nb_handle_t)nb_handle_duplicate(
          console_handle(), NB_RIGHT_WRITE | NB_RIGHT_READ | NB_RIGHT_DUPLICATE | NB_RIGHT_TRANSFER),
      more};
  const nb_status_t status = nb_process_start(process, "_start", 6, handles, more ? 2 : 1, block, at);
  if (status != 0) nb_handle_close(handles[0]);
  return status;
}

static nb_handle_t child(const char* role, nb_handle_t more) {
  const int64_t process = new_child(kMemory);
  if (process < 0) return 0;
  if (start_child((nb_handle_t)process, role, more) != 0) return 0;
  return (nb_handle_t)process;
}

static int ended(nb_handle_t process, uint32_t reason, uint32_t code) {
  if (nb_object_wait(process, NB_SIGNAL_TERMINATED, now() + 20000 * kMs) < 0) return 0;
  const int64_t r = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON),
                c = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_CODE);
  if (r != reason || c != code) printf("# reason %d code %d\n", (int)r, (int)c);
  return r == reason && c == code;
}

static void modules(void) {
  char message[64];
  memset(message, 'x', sizeof message);
  check(nb_module_create("nonsense", 8, message, sizeof message) == NB_STATUS_INVALID_MODULE &&
            strstr(message, "byte 0x0") && message[63] == 0,
        "what is no module is refused, and why is said");
  check(nb_module_create("", 0, message, 0) == NB_STATUS_INVALID_MODULE, "the reason may be left out");
  check(nb_module_create(kExit42, sizeof kExit42 - 1, (void*)0xfffffff0, 64) == NB_STATUS_BAD_ADDRESS,
        "a wild message buffer is refused");
  check(nb_module_of("nobody", 6) == NB_STATUS_NOT_FOUND, "an instance that is not here has no module");

  const nb_handle_t module = module_of(kExit42, sizeof kExit42 - 1);
  check((int32_t)module > 0, "a module is made from bytes");
  check(nb_handle_info(module, NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_MODULE, "it is a module");
  const nb_handle_t process = (nb_handle_t)nb_process_create("p", 1, 1 << 20);
  check(nb_process_start(process, "run", 3, 0, 0, 0, 0) == NB_STATUS_NOT_FOUND,
        "an empty process does not start");
  check(nb_process_add(process, module, "m", 1, message, sizeof message) == 0, "it gets an instance");
  check(nb_process_add(process, module, "m", 1, message, sizeof message) == NB_STATUS_INVALID_ARGUMENT &&
            strstr(message, "`m`"),
        "a name is taken once");
  check(nb_process_start(process, "walk", 4, 0, 0, 0, 0) == NB_STATUS_NOT_FOUND, "an entry must be exported");
  check(nb_process_start(process, "run", 3, &process, 1, 0, 0) == NB_STATUS_INVALID_ARGUMENT,
        "a process does not get itself");
  check(nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON) == NB_END_REASON_NONE,
        "it has not ended");
  check(nb_process_start(process, "run", 3, 0, 0, 0, 0) == 0, "it starts");
  check(nb_process_start(process, "run", 3, 0, 0, 0, 0) == NB_STATUS_BAD_STATE, "once");
  check(nb_process_add(process, module, "n", 1, message, sizeof message) == NB_STATUS_BAD_STATE,
        "and gets no more instances");
  check(ended(process, NB_END_REASON_EXITED, 42), "it ends with its status");
  check(nb_process_kill(process) == 0 && ended(process, NB_END_REASON_EXITED, 42),
        "and cannot be killed then");
  check(nb_process_inspect(process, NB_PROCESS_PROPERTY_MEMORY_USED) == 0, "nothing is left of it");
  nb_handle_close(process);
  nb_handle_close(module);

  const nb_handle_t needs = module_of(kNeedsImport, sizeof kNeedsImport - 1);
  const nb_handle_t other = (nb_handle_t)nb_process_create("q", 1, 1 << 20);
  check(nb_process_add(other, needs, "m", 1, message, sizeof message) == NB_STATUS_UNLINKABLE &&
            strstr(message, "a.b"),
        "an import that nothing provides is named");
  const nb_handle_t bad = module_of(kBadSegment, sizeof kBadSegment - 1);
  check(nb_process_add(other, bad, "b", 1, message, sizeof message) == NB_STATUS_UNLINKABLE &&
            ended(other, NB_END_REASON_REFUSED, 0),
        "a segment that does not fit ends the process");
  nb_handle_close(bad);
  nb_handle_close(needs);
  nb_handle_close(other);
}

static void ends(void) {
  const nb_handle_t seven = child("seven", 0);
  check(seven && ended(seven, NB_END_REASON_EXITED, 7), "a child exits with a status");
  nb_handle_close(seven);
  const nb_handle_t trap = child("trap", 0);
  check(trap && ended(trap, NB_END_REASON_TRAPPED, NB_TRAP_KIND_UNREACHABLE), "a trap tells its kind");
  nb_handle_close(trap);
  const nb_handle_t hungry = child("eat", 0);
  check(hungry && ended(hungry, NB_END_REASON_EXITED, 3), "beyond its limit malloc fails");
  nb_handle_close(hungry);
  const nb_handle_t spinner = child("spin", 0);
  check(spinner && nb_object_wait(spinner, NB_SIGNAL_TERMINATED, now() + 5 * kMs) == NB_STATUS_TIMED_OUT,
        "a child that spins does not end");
  check(nb_process_inspect(spinner, NB_PROCESS_PROPERTY_THREADS) == 1, "it has a thread");
  const nb_handle_t weak = (nb_handle_t)nb_handle_duplicate(spinner, NB_RIGHT_WAIT);
  check(nb_process_kill(weak) == NB_STATUS_ACCESS_DENIED &&
            nb_process_inspect(weak, NB_PROCESS_PROPERTY_ID) == NB_STATUS_ACCESS_DENIED,
        "rights are needed to kill and to look");
  check(nb_process_kill(spinner) == 0 && ended(spinner, NB_END_REASON_KILLED, 0), "until it is killed");
  nb_handle_close(weak);
  nb_handle_close(spinner);
  const nb_handle_t sleeper = child("sleep", 0);
  nb_thread_sleep_until(now() + 5 * kMs);
  check(sleeper && nb_process_kill(sleeper) == 0 && ended(sleeper, NB_END_REASON_KILLED, 0),
        "one that sleeps is killed too");
  nb_handle_close(sleeper);
  const nb_handle_t parent = child("parent", 0);
  check(parent && ended(parent, NB_END_REASON_EXITED, 17), "a child has children");
  nb_handle_close(parent);
}

static void handles(void) {
  nb_handle_t ends_[2], got[1];
  char text[16];
  nb_channel_create(ends_, 2);
  const nb_handle_t process = child("echo", ends_[1]);
  check(nb_handle_info(ends_[1], NB_HANDLE_PROPERTY_RIGHTS) == NB_STATUS_BAD_HANDLE,
        "a handle moves to the child");
  const nb_handle_t event = (nb_handle_t)nb_event_create();
  nb_channel_write(ends_[0], "ping", 4, &event, 1);
  nb_object_wait(ends_[0], NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, now() + 20000 * kMs);
  check(nb_channel_read(ends_[0], text, sizeof text, got, 1) == (4 | 1ll << 32) && !memcmp(text, "pong", 4),
        "the child answers with it");
  check(nb_object_wait(got[0], 0x100, 0) == 0x100, "and signaled the event that it was sent");
  check(ended(process, NB_END_REASON_EXITED, 0), "it ends");
  check(nb_object_wait(ends_[0], NB_SIGNAL_PEER_CLOSED, 0) > 0, "its handles go with it");
  nb_handle_close(got[0]);
  nb_handle_close(ends_[0]);
  nb_handle_close(process);
}

static void memories(void) {
  static unsigned char bytes[40000], copy[40000];
  /* Both are touched before memory is counted. */
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = copy[i] = (unsigned char)(i * 7 + i / 256);
  const int64_t before = used();
  check(nb_memory_create(0) == NB_STATUS_INVALID_ARGUMENT && nb_memory_create((1ull << 34) + 1) < 0,
        "a memory object has a smallest and a largest size");
  const nb_handle_t memory = (nb_handle_t)nb_memory_create(1 << 30);
  check((int32_t)memory > 0 && nb_memory_size(memory) == 1 << 30, "a memory object is made");
  check(used() < before + (1 << 20), "its pages are not taken yet");
  check(nb_memory_read(memory, (1 << 30) - 100, copy, 100) == 0 && copy[0] == 0 && copy[99] == 0,
        "what was not written is zero");
  check(nb_memory_write(memory, 123456789, bytes, sizeof bytes) == 0 &&
            nb_memory_read(memory, 123456789, copy, sizeof copy) == 0 && !memcmp(bytes, copy, sizeof bytes),
        "what was written is read");
  check(nb_memory_write(memory, (1 << 30) - 1, bytes, 2) == NB_STATUS_INVALID_ARGUMENT &&
            nb_memory_read(memory, ~0ull, copy, 2) == NB_STATUS_INVALID_ARGUMENT,
        "not beyond its end");
  check(nb_memory_read(memory, 0, (void*)0xfffffff0, 64) == NB_STATUS_BAD_ADDRESS,
        "a wild buffer is refused");
  const nb_handle_t weak = (nb_handle_t)nb_handle_duplicate(memory, NB_RIGHT_READ);
  check(nb_memory_write(weak, 0, bytes, 1) == NB_STATUS_ACCESS_DENIED, "writing needs the right");
  nb_handle_close(weak);
  char message[64];
  nb_memory_write(memory, 5000, kExit42, sizeof kExit42 - 1);
  const nb_handle_t module =
      (nb_handle_t)nb_module_create_from(memory, 5000, sizeof kExit42 - 1, message, sizeof message);
  check(nb_handle_info(module, NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_MODULE,
        "a module is made from it");
  check(nb_module_create_from(memory, 1 << 30, 1, message, sizeof message) == NB_STATUS_INVALID_ARGUMENT,
        "not from beyond its end");
  nb_handle_close(module);
  const nb_handle_t process = child("memory", memory);
  check(ended(process, NB_END_REASON_EXITED, 0), "a child gets it with its handle");
  nb_handle_close(process);
  check(used() == before, "and its pages come back");
}

static void limits(void) {
  const int64_t before = used();
  check(nb_process_create("x", 1, ~0ull) == NB_STATUS_OUT_OF_MEMORY, "more than one has cannot be given");
  char name[300];
  memset(name, 'n', sizeof name);
  check(nb_process_create(name, sizeof name, 1 << 20) == NB_STATUS_TOO_LARGE, "a name has a largest size");
  check(nb_process_create((void*)0xfffffff0, 64, 1) == NB_STATUS_BAD_ADDRESS, "a wild name is refused");
  const nb_handle_t idle = (nb_handle_t)nb_process_create("idle", 4, 1 << 20);
  check(used() >= before + (1 << 20), "a child's limit is taken from the creator's");
  nb_handle_close(idle);
  check(used() == before, "and comes back");
  check(new_child(100) == NB_STATUS_OUT_OF_MEMORY, "a limit may be too small for an instance");
  int same = 1;
  for (int i = 0; i < 40; ++i) {
    const nb_handle_t process = child(i % 2 ? "seven" : "spin", 0);
    if (i % 2 == 0) nb_process_kill(process);
    same &= nb_object_wait(process, NB_SIGNAL_TERMINATED, now() + 20000 * kMs) >= 0;
    nb_handle_close(process);
  }
  check(same, "many come and go");
  check(used() == before, "and leave nothing");
  check(nb_thread_spawn(0) == NB_STATUS_NOT_SUPPORTED, "a program without a shared memory has one thread");
}

static int be(const char* role) {
  if (!strcmp(role, "seven")) return 7;
  if (!strcmp(role, "trap")) __builtin_trap();
  if (!strcmp(role, "sleep")) nb_thread_sleep_until(~0ull >> 1);
  if (!strcmp(role, "spin"))
    for (volatile int i = 0;; ++i) {
    }
  if (!strcmp(role, "eat")) {
    for (int i = 0; i < 64; ++i) {
      volatile char* block = malloc(1 << 20);
      if (!block) return 3;
      for (int at = 0; at < 1 << 20; at += 4096) block[at] = 1;
    }
    return 4;
  }
  if (!strcmp(role, "parent")) {
    const int64_t process = new_child(2 << 20);
    if (process < 0 || start_child((nb_handle_t)process, "seven", 0) != 0) return 1;
    return ended((nb_handle_t)process, NB_END_REASON_EXITED, 7) ? 17 : 2;
  }
  if (!strcmp(role, "memory")) {
    unsigned char first[4];
    return nb_memory_read(2, 5000, first, 4) != 0 || memcmp(first, "\0asm", 4);
  }
  if (!strcmp(role, "echo")) {
    const nb_handle_t channel = 2;
    char text[16];
    nb_handle_t got[1];
    nb_object_wait(channel, NB_SIGNAL_READABLE, ~0ull);
    if (nb_channel_read(channel, text, sizeof text, got, 1) != (4 | 1ll << 32)) return 1;
    nb_object_signal(got[0], 0, 0x100);
    return nb_channel_write(channel, "pong", 4, got, 1) != 0;
  }
  return 99;
}

int main(int argc, char** argv) {
  if (argc > 1) return be(argv[1]);
  const int64_t open = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  modules();
  ends();
  handles();
  memories();
  limits();
  check(nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == open, "no handle is left");
  printf("1..%d\n", number);
  return failures != 0;
}
