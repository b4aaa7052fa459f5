// SPDX-License-Identifier: MIT
// A service and its client, to be started by init (tests/system): what the client meets when the service
// crashes and init starts it again. The client reports in TAP (testanything.org).
#include <cstring>

#include "user/apps/tap.h"
#include "user/sdk/given.h"

namespace {

constexpr uint64_t kForever = ~0ull;
enum Request : uint64_t { kCount, kTrap, kExit };

int64_t count;

int64_t answer(uint64_t, uint64_t request, uint64_t, uint64_t, uint64_t) {
  if (request == kTrap) __builtin_trap();
  if (request == kExit) nb_process_exit(3);
  return ++count;
}

int serve(nb_handle_t service) {
  const auto entry = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&answer));
  return nb_service_serve(service, entry, kForever) == NB_STATUS_PEER_CLOSED ? 0 : 1;
}

/// A call can still meet the process that is ending; the service is gone only if its door says so.
int64_t call_again(nb_handle_t door, Request request) {
  for (;;) {
    const int64_t result = nb_door_call(door, request, 0, 0, 0, kForever);
    if (result != NB_STATUS_PEER_CLOSED || nb_object_wait(door, NB_SIGNAL_PEER_CLOSED, 0) >= 0) return result;
    nb_thread_yield();
  }
}

int use(nb_handle_t door) {
  const auto call = [door](Request request) { return nb_door_call(door, request, 0, 0, 0, kForever); };
  check(call(kCount) == 1 && call(kCount) == 2, "the service counts");
  check(call(kTrap) == NB_STATUS_CALL_FAILED, "a call in which it traps fails");
  check(call_again(door, kCount) == 1, "the same door leads to the service that was started again");
  check(call(kExit) == NB_STATUS_PEER_CLOSED, "so does one in which its process ends");
  check(call_again(door, kCount) == 1 && call(kCount) == 2, "and it is there again");
  printf("1..%d\n", number);
  return failures != 0;
}

}  // namespace

int main(int count_of_words, char** words) {
  const nb_handle_t handle = nebulet::sdk::Given::get().handle("counter");
  const bool serves = count_of_words > 1 && std::strcmp(words[1], "serve") == 0;
  return serves ? serve(handle) : use(handle);
}
