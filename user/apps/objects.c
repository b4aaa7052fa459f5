/* SPDX-License-Identifier: MIT
 * The kernel's objects as one program sees them: events, timers, channels, streams, wait sets, and what their
 * calls refuse. Reports in TAP (testanything.org). */
#include <stdio.h>
#include <string.h>

#include "user/apps/tap.h"

static void events(void) {
  const nb_handle_t event = (nb_handle_t)nb_event_create();
  check(nb_object_wait(event, NB_SIGNAL_SIGNALED, 0) == NB_STATUS_TIMED_OUT, "a new event is not signaled");
  check(nb_object_signal(event, 0, NB_SIGNAL_SIGNALED | 0x100) == NB_STATUS_OK, "an event can be signaled");
  check(nb_object_wait(event, 0x100, 0) == (NB_SIGNAL_SIGNALED | 0x100), "wait tells all signals");
  check(nb_object_signal(event, 0, NB_SIGNAL_READABLE) == NB_STATUS_INVALID_ARGUMENT,
        "a program cannot set the kernel's signals");
  const int64_t weak = nb_handle_duplicate(event, NB_RIGHT_WAIT);
  check(weak > 0 && nb_object_signal((nb_handle_t)weak, 0, 0x100) == NB_STATUS_ACCESS_DENIED,
        "without the right `signal` it cannot be signaled");
  check(nb_handle_info(event, NB_HANDLE_PROPERTY_OBJECT_ID) ==
            nb_handle_info((nb_handle_t)weak, NB_HANDLE_PROPERTY_OBJECT_ID),
        "both handles name one object");
  check(nb_handle_info(event, NB_HANDLE_PROPERTY_OBJECT_TYPE) == NB_OBJECT_EVENT, "it is an event");
  const int64_t replaced = nb_handle_replace(event, NB_RIGHT_WAIT);
  check(replaced > 0 && nb_handle_close(event) == NB_STATUS_BAD_HANDLE, "a replaced handle is gone");
  check(nb_timer_cancel((nb_handle_t)replaced) == NB_STATUS_WRONG_TYPE, "an event is no timer");
  check(nb_handle_close((nb_handle_t)replaced) == 0 && nb_handle_close((nb_handle_t)weak) == 0,
        "handles close");
}

static void timers(void) {
  const nb_handle_t timer = (nb_handle_t)nb_timer_create();
  const uint64_t start = now();
  check(nb_timer_set(timer, start + 5 * kMs, 0) == 0, "a timer is set");
  check(nb_object_wait(timer, NB_SIGNAL_SIGNALED, ~0ull) > 0 && now() >= start + 5 * kMs,
        "and rings in time");
  check(nb_timer_set(timer, 0, 10) == NB_STATUS_INVALID_ARGUMENT, "a period may not be too short");
  check(nb_timer_set(timer, now() + 1000 * kMs, 0) == 0 && nb_timer_cancel(timer) == 0 &&
            nb_object_wait(timer, NB_SIGNAL_SIGNALED, now() + kMs) == NB_STATUS_TIMED_OUT,
        "a cancelled timer does not ring");
  nb_handle_close(timer);
}

static void channels(void) {
  nb_handle_t ends[2], got[2];
  char text[64];
  check(nb_channel_create(ends, 1) == NB_STATUS_INVALID_ARGUMENT, "a channel has two ends");
  check(nb_channel_create(ends, 2) == 0, "a channel is made");
  check(nb_channel_read(ends[1], text, sizeof text, got, 2) == NB_STATUS_SHOULD_WAIT, "it is empty");
  const nb_handle_t event = (nb_handle_t)nb_event_create();
  nb_object_signal(event, 0, 0x200);
  check(nb_channel_write(ends[0], "hello", 5, &event, 1) == 0, "a message with a handle is sent");
  check(nb_object_signal(event, 0, 0) == NB_STATUS_BAD_HANDLE, "the handle left with it");
  check(nb_channel_next(ends[1]) == (5 | 1ll << 32), "its size can be asked for");
  check(nb_channel_read(ends[1], text, 4, got, 2) == NB_STATUS_TOO_LARGE,
        "it does not go into too small a buffer");
  check(nb_channel_read(ends[1], text, sizeof text, got, 2) == (5 | 1ll << 32) && !memcmp(text, "hello", 5),
        "it arrives");
  check(nb_object_wait(got[0], 0x200, 0) == 0x200, "the handle came with it");
  check(nb_channel_write(ends[0], text, 1, ends, 1) == NB_STATUS_INVALID_ARGUMENT,
        "an end does not go through itself");
  nb_handle_t twice[2] = {got[0], got[0]};
  check(nb_channel_write(ends[0], text, 1, twice, 2) == NB_STATUS_BAD_HANDLE &&
            nb_object_wait(got[0], 0x200, 0) == 0x200,
        "a handle cannot be sent twice, and stays");
  check(nb_channel_write(ends[0], (void*)0xfffffff0, 64, 0, 0) == NB_STATUS_BAD_ADDRESS,
        "a wild buffer is refused");
  check(nb_channel_write(ends[0], text, 65537, 0, 0) < 0, "a message has a largest size");
  int sent = 0;
  while (nb_channel_write(ends[0], text, 1, 0, 0) == 0) ++sent;
  check(sent == 256, "256 messages may wait");
  nb_handle_close(ends[1]);
  check(nb_object_wait(ends[0], NB_SIGNAL_PEER_CLOSED, 0) > 0, "the other end sees the end");
  check(nb_channel_write(ends[0], text, 1, 0, 0) == NB_STATUS_PEER_CLOSED, "and can send no more");
  nb_handle_close(ends[0]);
  nb_handle_close(got[0]);
}

static void streams(void) {
  static char bytes[10000];
  nb_handle_t ends[2];
  check(nb_stream_create(100, ends, 2) == NB_STATUS_INVALID_ARGUMENT, "a stream has a smallest size");
  check(nb_stream_create(8192, ends, 2) == 0, "a stream is made");
  check(nb_stream_read(ends[1], bytes, 1) == NB_STATUS_ACCESS_DENIED,
        "one does not read from the writing end");
  check(nb_stream_write(ends[1], bytes, sizeof bytes) == 8192, "it takes what it has room for");
  check(nb_stream_write(ends[1], bytes, 1) == NB_STATUS_SHOULD_WAIT, "and then no more");
  check(nb_stream_read(ends[0], bytes, 5000) == 5000, "half of it is read");
  nb_handle_close(ends[1]);
  check(nb_stream_read(ends[0], bytes, sizeof bytes) == 3192, "the rest is read after the writer closed");
  check(nb_stream_read(ends[0], bytes, sizeof bytes) == 0, "then comes the end");
  nb_handle_close(ends[0]);
}

static void waiting(void) {
  const nb_handle_t one = (nb_handle_t)nb_event_create(), two = (nb_handle_t)nb_event_create();
  const nb_wait_item_t items[2] = {{one, 0x100}, {two, 0x100}};
  uint32_t observed[2];
  check(nb_object_wait_many(items, 2, observed, 2, now() + kMs) == NB_STATUS_TIMED_OUT,
        "nothing to wait for comes");
  nb_object_signal(two, 0, 0x300);
  check(nb_object_wait_many(items, 2, observed, 2, ~0ull) == 1 && observed[0] == 0 && observed[1] == 0x300,
        "one of two is told of");
  const nb_handle_t set = (nb_handle_t)nb_wait_set_create();
  check(nb_wait_set_add(set, one, 0x100, 11) == 0 && nb_wait_set_add(set, two, 0x100, 22) == 0,
        "a set is filled");
  check(nb_wait_set_add(set, two, 0x100, 22) == NB_STATUS_INVALID_ARGUMENT, "a key is taken once");
  check(nb_wait_set_add(set, set, 1, 33) == NB_STATUS_ACCESS_DENIED, "a set cannot be waited for");
  nb_wait_event_t told[2];
  check(nb_wait_set_wait(set, told, 2, ~0ull) == 1 && told[0].key == 22 && told[0].signals == 0x100,
        "the set tells what is signaled");
  nb_handle_close(two);
  check(nb_wait_set_wait(set, told, 2, ~0ull) == 1 && (told[0].signals & NB_SIGNAL_CLOSED),
        "and what was closed");
  check(nb_wait_set_wait(set, told, 2, now() + kMs) == NB_STATUS_TIMED_OUT, "once");
  check(nb_wait_set_remove(set, 22) == NB_STATUS_NOT_FOUND && nb_wait_set_remove(set, 11) == 0,
        "entries are removed");
  nb_handle_close(set);
  nb_handle_close(one);
}

int main(void) {
  const int64_t handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  events();
  timers();
  channels();
  streams();
  waiting();
  check(nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == handles, "no handle is left");
  printf("1..%d\n", number);
  return failures != 0;
}
