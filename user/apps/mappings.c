/* SPDX-License-Identifier: MIT
 * Memory objects in a program's own memory: what is shared, what can be written, what is refused, what a
 * store to read-only pages does. Reports in TAP (testanything.org). */
#include <stdlib.h>
#include <string.h>

#include "user/apps/tap.h"

enum { kPage = 65536 };
static _Alignas(kPage) unsigned char window[4 * kPage];

static uint32_t at(unsigned page) { return (uint32_t)(uintptr_t)(window + page * kPage); }

/* By the instruction memory.copy. */
__attribute__((target("bulk-memory"), noinline)) static void copy(void* to, const void* from, size_t n) {
  __builtin_memmove(to, from, n);
}

int main(int argc, char** argv) {
  const nb_handle_t object = (nb_handle_t)nb_memory_create(2 * kPage + 100);
  if (argc > 1) { /* the store that must trap */
    nb_memory_map(object, 0, kPage, at(0), NB_MEMORY_ACCESS_READ);
    if (argc > 2) copy(window, argv[2], strlen(argv[2]));
    *(volatile unsigned char*)window = (unsigned char)atoi(argv[1]);
    return 0;
  }
  memset(window, 'w', sizeof window);
  check(nb_memory_write(object, 10, "hello", 5) == 0, "an object is written");
  check(nb_memory_map(object, 0, 2 * kPage, at(0), NB_MEMORY_ACCESS_READ_WRITE) == 0, "it is mapped");
  check(!memcmp(window + 10, "hello", 5) && window[0] == 0, "its bytes are there");
  check(window[2 * kPage] == 'w', "what is behind them stays");
  char text[8] = "";
  memcpy(window + kPage, "there", 5);
  check(nb_memory_read(object, kPage, text, 5) == 0 && !memcmp(text, "there", 5), "stores go to the object");
  check(nb_memory_map(object, kPage, kPage, at(3), NB_MEMORY_ACCESS_READ) == 0, "a part is mapped again");
  check(!memcmp(window + 3 * kPage, "there", 5), "and shows the same");
  window[kPage] = 'T';
  check(window[3 * kPage] == 'T', "a store through one is seen through the other");
  check(nb_memory_read(object, 0, window + 3 * kPage, 1) == NB_STATUS_BAD_ADDRESS,
        "the kernel does not write where the program cannot");
  check(nb_memory_write(object, kPage, window + 3 * kPage, 5) == 0, "but reads there");
  check(nb_memory_unmap(at(1)) == NB_STATUS_NOT_FOUND, "a mapping ends from its beginning");
  check(nb_memory_unmap(at(0)) == 0 && window[10] == 0 && window[kPage] == 0, "zeros come after it");
  window[10] = 1;
  check(nb_memory_read(object, 10, text, 5) == 0 && !memcmp(text, "hello", 5), "the object keeps its bytes");
  check(window[3 * kPage] == 'T', "other mappings stay");

  const uint32_t to = at(0);
  check(nb_memory_map(object, 0, kPage, at(3), NB_MEMORY_ACCESS_READ) == NB_STATUS_BAD_STATE,
        "one place shows one object");
  check(nb_memory_map(object, 1, kPage, to, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT &&
            nb_memory_map(object, 0, 4096, to, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT &&
            nb_memory_map(object, 0, kPage, to + 4096, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT,
        "everything is whole pages");
  check(nb_memory_map(object, 0, 0, to, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT,
        "an empty mapping is refused");
  check(
      nb_memory_map(object, 0, 4 * kPage, to, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT &&
          nb_memory_map(object, ~0ull << 16, kPage, to, NB_MEMORY_ACCESS_READ) == NB_STATUS_INVALID_ARGUMENT,
      "the range lies in the object");
  check(nb_memory_map(object, 0, kPage, 0xffff0000, NB_MEMORY_ACCESS_READ) == NB_STATUS_BAD_ADDRESS,
        "and in the memory");
  check(nb_memory_map(object, 0, kPage, to, (nb_memory_access_t)2) == NB_STATUS_INVALID_ARGUMENT,
        "there are two kinds of access");
  const nb_handle_t weak = (nb_handle_t)nb_handle_duplicate(object, NB_RIGHT_READ);
  check(nb_memory_map(weak, 0, kPage, to, NB_MEMORY_ACCESS_READ_WRITE) == NB_STATUS_ACCESS_DENIED,
        "writing needs the right");
  check(nb_memory_map(weak, 0, kPage, to, NB_MEMORY_ACCESS_READ) == 0, "reading has it");
  const nb_handle_t deaf = (nb_handle_t)nb_handle_duplicate(object, NB_RIGHT_WRITE);
  check(nb_memory_map(deaf, 0, kPage, at(1), NB_MEMORY_ACCESS_READ_WRITE) == NB_STATUS_ACCESS_DENIED,
        "so does writing need that to read");
  const nb_handle_t event = (nb_handle_t)nb_event_create();
  check(nb_memory_map(event, 0, kPage, at(1), NB_MEMORY_ACCESS_READ) == NB_STATUS_WRONG_TYPE &&
            nb_memory_map(12345, 0, kPage, at(1), NB_MEMORY_ACCESS_READ) == NB_STATUS_BAD_HANDLE,
        "only objects of memory are mapped");
  check(nb_handle_close(object) == 0 && nb_handle_close(weak) == 0 && nb_handle_close(deaf) == 0 &&
            !memcmp(window + 10, "hello", 5),
        "the object stays as long as it is mapped");
  printf("1..%d\n", number);
  return failures != 0;
}
