/* SPDX-License-Identifier: MIT
 * What every kernel call does with arguments that are bad for their types: the documented error, and nothing
 * else. The cases follow from abi/ (abi/generate.py); this file has the objects they need. Reports in TAP
 * (testanything.org); objects that the process was not given are skipped. */
#include <string.h>

#include "user/apps/tap.h"

static int absent;         /* an object that the case needs cannot be made here */
static nb_handle_t closed; /* a number that was a handle */
static char room[256];
static void* const space = room;
static int64_t handles, memory; /* of the process before a call */

static uint32_t end(void) { return (uint32_t)__builtin_wasm_memory_size(0) * 65536; }
static void* at(uint32_t address) { return (void*)(uintptr_t)address; }

static nb_handle_t startup_word(unsigned index) {
  uint32_t words[3] = {0};
  nb_process_startup(words, sizeof words);
  return words[index];
}

/* One of the two, the other is closed. */
static nb_handle_t keep(const nb_handle_t* pair, int which) {
  nb_handle_close(pair[!which]);
  return pair[which];
}

static int64_t module(void) { return nb_module_create("\0asm\1\0\0\0", 8, 0, 0); }

static int64_t interrupt(void) {
  const nb_handle_t root = startup_word(2);
  if (root == 0) return 0;
  const int64_t line = nb_interrupt_create(root, 12, NB_INTERRUPT_TRIGGER_ISA);
  return line;
}

static int64_t dma_memory(void) {
  const nb_handle_t root = startup_word(2);
  if (root == 0) return 0;
  const nb_handle_t function = (nb_handle_t)nb_resource_create(root, NB_RESOURCE_KIND_PCI, 0, 4096);
  const int64_t made = nb_dma_create(function, 4096);
  nb_handle_close(function);
  return made;
}

static int64_t door(void) {
  const nb_handle_t service = (nb_handle_t)nb_service_create();
  const int64_t made = nb_door_create(service, 1);
  nb_handle_close(service);
  return made;
}

/* A new handle, with `right` if objects of the type differ in that. 0: the process cannot have any. */
static nb_handle_t make(uint32_t type, uint32_t right) {
  nb_handle_t pair[2] = {0, 0};
  switch (type) {
    case NB_OBJECT_PROCESS: return (nb_handle_t)nb_process_create("idle", 4, 1 << 16);
    case NB_OBJECT_CONSOLE:
      return (nb_handle_t)nb_handle_duplicate(startup_word(1), NB_RIGHT_READ | NB_RIGHT_WRITE);
    case NB_OBJECT_EVENT: return (nb_handle_t)nb_event_create();
    case NB_OBJECT_TIMER: return (nb_handle_t)nb_timer_create();
    case NB_OBJECT_CHANNEL: nb_channel_create(pair, 2); return keep(pair, 0);
    case NB_OBJECT_STREAM: nb_stream_create(4096, pair, 2); return keep(pair, right == NB_RIGHT_WRITE);
    case NB_OBJECT_WAIT_SET: return (nb_handle_t)nb_wait_set_create();
    case NB_OBJECT_MODULE: return (nb_handle_t)module();
    case NB_OBJECT_MEMORY_OBJECT: return (nb_handle_t)nb_memory_create(4096);
    case NB_OBJECT_SERVICE: return (nb_handle_t)nb_service_create();
    case NB_OBJECT_DOOR: return (nb_handle_t)door();
    case NB_OBJECT_RESOURCE:
      return startup_word(2) == 0
                 ? 0
                 : (nb_handle_t)nb_resource_create(startup_word(2), NB_RESOURCE_KIND_PORTS, 0x80, 1);
    case NB_OBJECT_INTERRUPT: return (nb_handle_t)interrupt();
    case NB_OBJECT_DMA_MEMORY: return (nb_handle_t)dma_memory();
    default: return 0;
  }
}

/* The one handle of the type that is used wherever another argument is the bad one. */
static nb_handle_t good(uint32_t type, uint32_t right) {
  static nb_handle_t made[64][2];
  nb_handle_t* const place = &made[type][right == NB_RIGHT_WRITE];
  if (*place == 0) {
    *place = make(type, right);
    handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
    memory = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);
  }
  absent |= *place == 0;
  return *place;
}

/* A handle of the type with all rights but one, closed by refused(). */
static nb_handle_t weak;
static nb_handle_t lacking(uint32_t type, uint32_t right) {
  const nb_handle_t strong =
      make(type, type == NB_OBJECT_STREAM ? right ^ NB_RIGHT_READ ^ NB_RIGHT_WRITE : right);
  absent |= strong == 0;
  if (strong == 0) return 0;
  const uint32_t rights = (uint32_t)nb_handle_info(strong, NB_HANDLE_PROPERTY_RIGHTS);
  weak = (nb_handle_t)nb_handle_replace(strong, rights & ~right);
  handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  memory = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);
  return weak;
}

static void refused(int64_t expected, int64_t got, const char* what) {
  if (absent) {
    printf("ok %d - %s # SKIP the process was not given such an object\n", ++number, what);
    absent = 0;
    return;
  }
  int same = nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == handles &&
             nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) == memory;
  if (got != expected || !same)
    printf("# got %d, %s\n", (int)got, same ? "nothing changed" : "something changed");
  check(got == expected && same, what);
  if (weak != 0) nb_handle_close(weak);
  weak = 0;
  handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  memory = nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);
}

#include "abi/generated/argument_tests.h"

/* What is allowed: addresses that are no multiples of anything, buffers that overlap. */
static void allowed(void) {
  nb_handle_t pair[2];
  check(nb_channel_create((nb_handle_t*)at((uint32_t)(uintptr_t)room + 1), 2) == 0,
        "an array may lie anywhere");
  memcpy(pair, room + 1, sizeof pair);
  nb_wait_item_t items[2] = {{pair[0], NB_SIGNAL_WRITABLE}, {pair[1], NB_SIGNAL_WRITABLE}};
  memcpy(room + 3, items, sizeof items);
  check(nb_object_wait_many((const nb_wait_item_t*)at((uint32_t)(uintptr_t)room + 3), 2,
                            (uint32_t*)at((uint32_t)(uintptr_t)room + 5), 2, 0) == 2,
        "what comes out may lie over what goes in");
  uint32_t observed[2];
  memcpy(observed, room + 5, sizeof observed);
  check(observed[0] == NB_SIGNAL_WRITABLE && observed[1] == NB_SIGNAL_WRITABLE, "which was read before");
  check(
      nb_channel_write(pair[0], room, 4, 0, 0) == 0 && nb_channel_read(pair[1], at(end() - 4), 4, 0, 0) == 4,
      "a buffer may end where the memory ends");
  check(nb_channel_write(pair[0], at(end()), 0, 0, 0) == 0, "an empty one may begin there");
  nb_handle_close(pair[0]);
  nb_handle_close(pair[1]);
}

int main(void) {
  closed = (nb_handle_t)nb_event_create();
  nb_handle_close(closed);
  good(NB_OBJECT_EVENT, 0);
  for (unsigned i = 0; i < sizeof kArgumentTests / sizeof kArgumentTests[0]; ++i) kArgumentTests[i]();
  allowed();
  printf("1..%d\n", number);
  return failures != 0;
}
