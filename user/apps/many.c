/* SPDX-License-Identifier: MIT
 * Many processes at once: `many COUNT` makes processes that make COUNT small ones together, each with an
 * instance, a memory and a thread that waits for a message. When all are there each is sent a number and
 * answers with the next one. Reports in TAP; with more arguments it is one of the processes between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/apps/tap.h"

/* (module
 *   (import "nebulet" "channel_write" (func $write (param i32 i32 i32 i32 i32) (result i32)))
 *   (import "nebulet" "channel_read" (func $read (param i32 i32 i32 i32 i32) (result i64)))
 *   (import "nebulet" "object_wait" (func $wait (param i32 i32 i64) (result i64)))
 *   (memory 1)
 *   (func (export "run")
 *     (drop (call $write (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0)))
 *     (drop (call $wait (i32.const 1) (i32.const 5) (i64.const -1)))
 *     (if (i64.ne (call $read (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0))
 * (i64.const 4)) (then (unreachable))) (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const
 * 1))) (drop (call $write (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0))))) */
static const unsigned char kSmall[] = {
    0,   97,  115, 109, 1,   0,   0,   0,   1,   29,  4,   96,  5,   127, 127, 127, 127, 127, 1,   127, 96,
    5,   127, 127, 127, 127, 127, 1,   126, 96,  3,   127, 127, 126, 1,   126, 96,  0,   0,   2,   70,  3,
    7,   110, 101, 98,  117, 108, 101, 116, 13,  99,  104, 97,  110, 110, 101, 108, 95,  119, 114, 105, 116,
    101, 0,   0,   7,   110, 101, 98,  117, 108, 101, 116, 12,  99,  104, 97,  110, 110, 101, 108, 95,  114,
    101, 97,  100, 0,   1,   7,   110, 101, 98,  117, 108, 101, 116, 11,  111, 98,  106, 101, 99,  116, 95,
    119, 97,  105, 116, 0,   2,   3,   2,   1,   3,   5,   3,   1,   0,   1,   7,   7,   1,   3,   114, 117,
    110, 0,   3,   10,  71,  1,   69,  0,   65,  1,   65,  0,   65,  4,   65,  0,   65,  0,   16,  0,   26,
    65,  1,   65,  5,   66,  127, 16,  2,   26,  65,  1,   65,  0,   65,  4,   65,  0,   65,  0,   16,  1,
    66,  4,   82,  4,   64,  0,   11,  65,  0,   65,  0,   40,  2,   0,   65,  1,   106, 54,  2,   0,   65,
    1,   65,  0,   65,  4,   65,  0,   65,  0,   16,  0,   26,  11,
};

enum { kGroup = 1000 };
static const uint64_t kGroupMemory = 8 << 20;
/* The hosted kernel's stacks take more. */
static uint64_t small_memory(uint32_t count) { return (count > kGroup / 2 ? 96 : 384) << 10; }

static nb_handle_t console_handle(void) {
  uint32_t words[2] = {0, 0};
  nb_process_startup(words, sizeof words);
  return words[1];
}

/* Message of a number; 0: the other end is gone. */
static uint32_t next_number(nb_handle_t channel) {
  uint32_t number = 0;
  nb_object_wait(channel, NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED, ~0ull);
  return nb_channel_read(channel, &number, sizeof number, 0, 0) == sizeof number ? number + 1 : 0;
}
static int send(nb_handle_t channel, uint32_t number) {
  return nb_channel_write(channel, &number, sizeof number, 0, 0) == 0;
}

struct small {
  nb_handle_t process, channel;
};

/* With a channel to it. */
static int make_small(nb_handle_t module, uint64_t memory, struct small* made) {
  nb_handle_t ends[2];
  if (nb_channel_create(ends, 2) != 0) return 0;
  const int64_t process = nb_process_create("small", 5, memory);
  if (process < 0) return 0;
  *made = (struct small){(nb_handle_t)process, ends[0]};
  return nb_process_add(made->process, module, "small", 5, 0, 0) == 0 &&
         nb_process_start(made->process, "run", 3, &ends[1], 1, 0, 0) == 0;
}

/* One of the processes between. Its second handle is a channel to the first. Tells that all are there, when
 * it is told to go on asks them, and tells how many answered and ended well. */
static int group(uint32_t count) {
  const nb_handle_t parent = 2;
  static struct small all[kGroup];
  const nb_handle_t module = (nb_handle_t)nb_module_create(kSmall, sizeof kSmall, 0, 0);
  uint32_t made = 0, good = 0;
  while (made < count && make_small(module, small_memory(count), &all[made])) ++made;
  for (uint32_t i = 0; i < made; ++i) good += next_number(all[i].channel) == 1; /* it runs */
  if (!send(parent, good) || next_number(parent) == 0) return 1;
  good = 0;
  for (uint32_t i = 0; i < made; ++i) send(all[i].channel, i);
  for (uint32_t i = 0; i < made; ++i) good += next_number(all[i].channel) == i + 2;
  if (!send(parent, good) || next_number(parent) == 0) return 1;
  good = 0;
  for (uint32_t i = 0; i < made; ++i) {
    nb_object_wait(all[i].process, NB_SIGNAL_TERMINATED, ~0ull);
    good += nb_process_inspect(all[i].process, NB_PROCESS_PROPERTY_END_REASON) == NB_END_REASON_EXITED;
    nb_handle_close(all[i].process);
    nb_handle_close(all[i].channel);
  }
  return send(parent, good) ? 0 : 1;
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

/* A process of this program for `count` small ones. */
static int make_group(uint32_t count, struct small* made) {
  static const char* const names[] = {"wasi_snapshot_preview1", "program"};
  nb_handle_t ends[2];
  if (nb_channel_create(ends, 2) != 0) return 0;
  const int64_t process = nb_process_create("group", 5, kGroupMemory + count * (small_memory(count) + 4096));
  if (process < 0) return 0;
  *made = (struct small){(nb_handle_t)process, ends[0]};
  for (int i = 0; i < 2; ++i) {
    const nb_handle_t module = (nb_handle_t)nb_module_of(names[i], strlen(names[i]));
    const nb_status_t added = nb_process_add(made->process, module, names[i], strlen(names[i]), 0, 0);
    nb_handle_close(module);
    if (added != 0) return 0;
  }
  unsigned char block[128];
  memset(block, 0, sizeof block);
  char number[12];
  snprintf(number, sizeof number, "%u", (unsigned)count);
  size_t at = put_word(block, 2); /* version */
  at += put_word(block + at, 1);  /* console */
  at += put_word(block + at, 0);  /* devices */
  for (int i = 0; i < 3; ++i) at += put_word(block + at, 1);
  at += put_word(block + at, 0); /* terminals */
  at += put_word(block + at, 3);
  at += put_string(block + at, "many");
  at += put_string(block + at, number);
  at += put_string(block + at, "group");
  at += put_word(block + at, 0);
  at += put_word(block + at, 0);
  const nb_handle_t handles[2] = {
      (nb_handle_t)nb_handle_duplicate(
          console_handle(), NB_RIGHT_WRITE | NB_RIGHT_READ | NB_RIGHT_DUPLICATE | NB_RIGHT_TRANSFER),
      ends[1]};
  return nb_process_start(made->process, "_start", 6, handles, 2, block, at) == 0;
}

static uint64_t since;
static void tell(const char* what, uint32_t count) {
  printf("# %s: %.2f s, %.1f us each\n", what, (double)(now() - since) / 1e9,
         (double)(now() - since) / 1e3 / count);
  since = now();
}

enum { kMostGroups = 100, kPhases = 3 };
struct outcome {
  uint32_t groups, good[kPhases], ended;
};

/* `count` small processes from the first to the last. */
static struct outcome run(uint32_t count, int tells) {
  static const char* const phases[kPhases] = {"made", "answered", "ended"};
  static struct small groups[kMostGroups];
  struct outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  since = now();
  for (uint32_t left = count; left > 0;) {
    const uint32_t part = left < kGroup ? left : kGroup;
    if (!make_group(part, &groups[outcome.groups])) break;
    ++outcome.groups;
    left -= part;
  }
  for (int phase = 0; phase < kPhases; ++phase) {
    for (uint32_t i = 0; phase > 0 && i < outcome.groups; ++i) send(groups[i].channel, 0);
    for (uint32_t i = 0; i < outcome.groups; ++i) {
      const uint32_t next = next_number(groups[i].channel);
      outcome.good[phase] += next != 0 ? next - 1 : 0;
    }
    if (tells) tell(phases[phase], count);
  }
  for (uint32_t i = 0; i < outcome.groups; ++i) {
    nb_object_wait(groups[i].process, NB_SIGNAL_TERMINATED, ~0ull);
    outcome.ended += nb_process_inspect(groups[i].process, NB_PROCESS_PROPERTY_END_CODE) == 0;
    nb_handle_close(groups[i].process);
    nb_handle_close(groups[i].channel);
  }
  return outcome;
}

static int64_t used(void) { return nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED); }
static int64_t handles(void) { return nb_process_info(NB_PROCESS_PROPERTY_HANDLES); }

int main(int argc, char** argv) {
  const uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 100;
  if (argc > 2) return group(count);
  if (count == 0 || count > kMostGroups * kGroup) return 2;
  run(1, 1); /* what this process itself takes */
  const int64_t used_before = used(), handles_before = handles();
  const struct outcome outcome = run(count, 1);
  check(outcome.groups == (count + kGroup - 1) / kGroup, "processes make processes");
  check(outcome.good[0] == count, "all run at once");
  check(outcome.good[1] == count, "all answer");
  check(outcome.good[2] == count, "all end by themselves");
  check(outcome.ended == outcome.groups, "and those that made them");
  /* Their last threads may still be on the way out. */
  const uint64_t end = now() + 60000 * kMs;
  while (used() != used_before && now() < end) nb_thread_yield();
  check(used() == used_before && handles() == handles_before, "what was charged is back");
  printf("1..%d\n", number);
  return failures != 0;
}
