/* SPDX-License-Identifier: MIT
 * Doors as one process sees them: what services and doors tell of each other, and what their calls refuse.
 * Reports in TAP (testanything.org). */
#include <stdio.h>

#include "user/apps/tap.h"

static const uint64_t kForever = ~0ull;

static int64_t answer(uint64_t cookie, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return (int64_t)(cookie + a + b + c + d);
}
static int32_t other_type(int32_t a) { return a; }

static uint32_t index_of(const void* function) { return (uint32_t)(uintptr_t)function; }

int main(void) {
  const nb_handle_t service = (nb_handle_t)nb_service_create();
  check(nb_handle_info(service, NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_SERVICE, "a service is made");
  check(nb_object_wait(service, ~0u, 0) == NB_STATUS_TIMED_OUT, "a new service has no signals");
  const nb_handle_t door = (nb_handle_t)nb_door_create(service, 7);
  const nb_handle_t second = (nb_handle_t)nb_door_create(service, 1ull << 63 | 8);
  check(nb_handle_info(door, NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_DOOR, "a door is made");
  check(nb_door_create(door, 7) == NB_STATUS_WRONG_TYPE, "a door has no doors");
  check(nb_door_call(service, 0, 0, 0, 0, 0) == NB_STATUS_WRONG_TYPE, "a service is no door");

  check(nb_door_call(door, 1, 2, 3, 4, 0) == NB_STATUS_TIMED_OUT, "nobody serves: a call does not wait");
  const uint64_t soon = now() + 2 * kMs;
  check(nb_door_call(door, 1, 2, 3, 4, soon) == NB_STATUS_TIMED_OUT && now() >= soon,
        "or until its deadline");
  check(nb_service_serve(service, index_of((const void*)other_type), 0) == NB_STATUS_INVALID_ARGUMENT,
        "a function of another type cannot serve");
  check(nb_service_serve(service, 0, 0) == NB_STATUS_INVALID_ARGUMENT, "nor can the null function");
  check(nb_service_serve(service, 1u << 30, 0) == NB_STATUS_INVALID_ARGUMENT, "nor one outside of the table");
  const uint64_t later = now() + 2 * kMs;
  check(nb_service_serve(service, index_of((const void*)answer), later) == NB_STATUS_TIMED_OUT &&
            now() >= later,
        "serving ends at its deadline");

  const int64_t weak = nb_handle_duplicate(door, NB_RIGHT_WAIT);
  check(nb_door_call((nb_handle_t)weak, 0, 0, 0, 0, 0) == NB_STATUS_ACCESS_DENIED,
        "a call needs the right `transact`");
  const int64_t no_manage = nb_handle_duplicate(service, NB_RIGHT_WAIT);
  check(nb_service_serve((nb_handle_t)no_manage, index_of((const void*)answer), 0) == NB_STATUS_ACCESS_DENIED,
        "serving needs the right `manage`");
  check(nb_door_create((nb_handle_t)no_manage, 0) == NB_STATUS_ACCESS_DENIED, "so does making doors");

  char bytes[16];
  nb_handle_t handles[65] = {0};
  check(
      nb_door_read(0, bytes, 1) == NB_STATUS_NO_CALLER && nb_door_write(0, bytes, 1) == NB_STATUS_NO_CALLER &&
          nb_door_take(handles, 1) == NB_STATUS_NO_CALLER && nb_door_give(handles, 1) == NB_STATUS_NO_CALLER,
      "outside of an exchange there is no request and no reply");
  check(
      nb_door_exchange(door, 0, bytes, 1, bytes, sizeof(bytes), handles, 65, 0, 0, 0) == NB_STATUS_TOO_LARGE,
      "too many handles for an exchange");
  check(nb_door_exchange(door, 0, (const void*)~15u, 100, 0, 0, 0, 0, 0, 0, 0) == NB_STATUS_BAD_ADDRESS,
        "a request outside of the memory");
  check(nb_door_exchange(door, 0, 0, 0, 0, ~0u, 0, 0, 0, 0, 0) == NB_STATUS_BAD_ADDRESS,
        "a reply that wraps");
  handles[0] = (nb_handle_t)nb_event_create();
  check(nb_door_exchange(door, 0, 0, 0, 0, 0, handles, 1, 0, 0, 0) == NB_STATUS_TIMED_OUT &&
            nb_handle_close(handles[0]) == NB_STATUS_OK,
        "handles of an exchange that did not happen stay");

  uint64_t cookies[4] = {0};
  check(nb_service_ended(service, cookies, 4) == 0, "no door has ended");
  check(nb_handle_close(door) == 0 && nb_service_ended(service, cookies, 4) == 0,
        "nor has one that has another handle");
  check(nb_handle_close((nb_handle_t)weak) == 0 && nb_object_wait(service, NB_SIGNAL_READABLE, 0) > 0,
        "with the last handle it has");
  check(nb_service_serve(service, index_of((const void*)answer), kForever) == NB_STATUS_OK,
        "which ends serving");
  check(nb_handle_close(second) == 0 && nb_service_ended(service, cookies, 1) == 1 && cookies[0] == 7,
        "the service learns whose");
  check(nb_service_ended(service, cookies, 4) == 1 && cookies[0] == (1ull << 63 | 8), "once each, in order");
  check(nb_service_serve(service, index_of((const void*)answer), kForever) == NB_STATUS_PEER_CLOSED,
        "without doors there is nothing to serve");

  const nb_handle_t last = (nb_handle_t)nb_door_create(service, 9);
  check(nb_object_wait(service, NB_SIGNAL_PEER_CLOSED, 0) == NB_STATUS_TIMED_OUT, "a new door is one again");
  check(
      nb_handle_close(service) == 0 && nb_object_wait(last, NB_SIGNAL_PEER_CLOSED, 0) == NB_STATUS_TIMED_OUT,
      "a service lives by its last handle");
  check(nb_handle_close((nb_handle_t)no_manage) == 0 && nb_object_wait(last, NB_SIGNAL_PEER_CLOSED, 0) > 0,
        "and tells its doors when that goes");
  check(nb_door_call(last, 0, 0, 0, 0, kForever) == NB_STATUS_PEER_CLOSED, "then a call fails at once");
  printf("1..%d\n", number);
  return failures != 0;
}
