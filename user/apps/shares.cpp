// SPDX-License-Identifier: MIT
// Priorities and weights of processes: that they are inherited and only shrink. What they do is tested in
// simulated time (kernel/sched/run_queue_test.cpp). Reports in TAP (testanything.org). With an argument it is
// the child.
#include "user/apps/tap.h"
#include "user/sdk/process.h"
#include "user/sdk/startup.h"

namespace {

constexpr std::uint64_t kForever = ~0ull;

nb_handle_t make() { return static_cast<nb_handle_t>(nb_process_create("child", 5, 1 << 20)); }
bool has(nb_handle_t process, std::int64_t priority, std::int64_t weight) {
  return nb_process_inspect(process, NB_PROCESS_PROPERTY_PRIORITY) == priority &&
         nb_process_inspect(process, NB_PROCESS_PROPERTY_WEIGHT) == weight;
}

/// In a process that got little: the number of the first thing that is wrong.
int child() {
  if (nb_object_wait(1, NB_SIGNAL_SIGNALED, kForever) < 0) return 1;
  if (nb_process_info(NB_PROCESS_PROPERTY_PRIORITY) != NB_PRIORITY_LOW ||
      nb_process_info(NB_PROCESS_PROPERTY_WEIGHT) != 100)
    return 2;
  const nb_handle_t process = make();
  if (!has(process, NB_PRIORITY_LOW, 100)) return 3;
  if (nb_process_set_share(process, NB_PRIORITY_NORMAL, 100) != NB_STATUS_ACCESS_DENIED) return 4;
  if (nb_process_set_share(process, NB_PRIORITY_LOW, 101) != NB_STATUS_ACCESS_DENIED) return 5;
  if (!has(process, NB_PRIORITY_LOW, 100)) return 6;
  if (nb_process_set_share(process, NB_PRIORITY_BACKGROUND, 100) != 0) return 7;
  return has(process, NB_PRIORITY_BACKGROUND, 100) ? 0 : 8;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return child();
  const std::int64_t handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  check(nb_process_info(NB_PROCESS_PROPERTY_PRIORITY) == NB_PRIORITY_HIGH &&
            nb_process_info(NB_PROCESS_PROPERTY_WEIGHT) == 1000,
        "the first process has the highest priority and weight");
  const nb_handle_t process = make();
  check(has(process, NB_PRIORITY_HIGH, 1000), "a process is made with its creator's");
  check(nb_process_set_share(process, NB_PRIORITY_LOW, 10) == 0 && has(process, NB_PRIORITY_LOW, 10),
        "they can be lowered");
  check(nb_process_set_share(process, NB_PRIORITY_NORMAL, 500) == 0 && has(process, NB_PRIORITY_NORMAL, 500),
        "and raised by who has more");
  check(nb_process_set_share(process, 4, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_process_set_share(process, NB_PRIORITY_LOW, 0) == NB_STATUS_INVALID_ARGUMENT &&
            nb_process_set_share(process, NB_PRIORITY_LOW, 1001) == NB_STATUS_INVALID_ARGUMENT &&
            has(process, NB_PRIORITY_NORMAL, 500),
        "what does not exist is refused and changes nothing");
  const auto weak = static_cast<nb_handle_t>(nb_handle_duplicate(process, NB_RIGHT_READ));
  check(nb_process_set_share(weak, NB_PRIORITY_LOW, 1) == NB_STATUS_ACCESS_DENIED,
        "it needs the right `manage`");
  nb_handle_close(weak);
  nb_handle_close(process);

  const auto event = static_cast<nb_handle_t>(nb_event_create());
  nebulet::sdk::Startup startup;
  startup.handle("event",
                 static_cast<nb_handle_t>(nb_handle_duplicate(event, NB_RIGHT_WAIT | NB_RIGHT_TRANSFER)));
  startup.argument("shares");
  startup.argument("child");
  const nb_handle_t started = nebulet::sdk::start_wasi(
      "child", static_cast<nb_handle_t>(nb_module_of("program", 7)), 8 << 20, startup);
  check(nb_process_set_share(started, NB_PRIORITY_LOW, 100) == 0, "one that runs can be lowered");
  nb_object_signal(event, 0, NB_SIGNAL_SIGNALED);
  nb_object_wait(started, NB_SIGNAL_TERMINATED, kForever);
  const std::int64_t code = nb_process_inspect(started, NB_PROCESS_PROPERTY_END_CODE);
  if (code != 0) std::printf("# the child found wrong: %d\n", static_cast<int>(code));
  check(code == 0, "it can give others no more than it has");
  nb_handle_close(started);
  nb_handle_close(event);
  check(nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == handles, "no handle is left");
  std::printf("1..%d\n", number);
  return failures != 0;
}
