// SPDX-License-Identifier: MIT
// Doors between processes: many clients at once, bytes and handles, services that call services, and what is
// left when one side traps, exits or is killed in a call. Reports in TAP (testanything.org). With an argument
// it is the process that the argument says.
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/process.h"
#include "user/sdk/startup.h"

namespace {

using nebulet::sdk::Startup;

constexpr std::uint64_t kMemory = 8 << 20, kForever = ~0ull;
constexpr std::uint64_t kLong = 60'000 * 1'000'000ull;   // only ends what hangs
constexpr std::uint32_t kInside = 0x100, kGoOn = 0x200;  // signals of the event
constexpr int kCalls = 2000;

/// What a server process finds.
enum Handle : nb_handle_t { own_service = 1, event = 2, other_door = 3 };
/// What its function does, by its first word.
enum Work : std::uint64_t { add, copy, trap, leave, pass_on, stay };

std::int64_t work(std::uint64_t cookie, std::uint64_t what, std::uint64_t a, std::uint64_t b,
                  std::uint64_t c) {
  switch (what) {
    case add: return static_cast<std::int64_t>(cookie + a + b + c);
    case copy: {  // of an exchange: a is the request's size; its handles go back
      std::array<unsigned char, 4096> bytes;
      if (a > bytes.size() || nb_door_read(0, bytes.data(), a) != 0) return 0;
      for (std::size_t i = 0; i < a; ++i) ++bytes[i];
      std::array<nb_handle_t, 4> handles = {};
      const std::int64_t taken = nb_door_take(handles.data(), handles.size());
      if (taken < 0 || nb_door_give(handles.data(), static_cast<std::size_t>(taken)) != 0) return 0;
      return nb_door_write(0, bytes.data(), a) == 0 ? taken + 1 : 0;
    }
    case trap: __builtin_trap();
    case leave: nb_process_exit(7);
    case pass_on: return nb_door_call(other_door, add, a, b, c, kForever);
    case stay: nb_object_signal(event, 0, kInside); return nb_object_wait(event, kGoOn, kForever);
  }
  return 0;
}

/// As long as there are doors; how many there were, or 100.
int serve() {
  const auto entry = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&work));
  std::int64_t doors = 0;
  for (;;) {
    const nb_status_t status = nb_service_serve(own_service, entry, kForever);
    std::array<std::uint64_t, 8> cookies = {};
    doors += nb_service_ended(own_service, cookies.data(), cookies.size());
    if (status == NB_STATUS_PEER_CLOSED) return static_cast<int>(doors);
    if (status != NB_STATUS_OK) return 100;
  }
}

/// Two thousand calls, each with its right result.
int call_often() {
  for (std::uint64_t i = 0; i < kCalls; ++i)
    if (nb_door_call(1, add, i, 2 * i, 1, kForever) != static_cast<std::int64_t>(1000 + 3 * i + 1)) return 1;
  return 0;
}

int call_until_the_end() { return nb_door_call(1, stay, 0, 0, 0, kForever) == NB_STATUS_PEER_CLOSED ? 0 : 1; }

nb_handle_t duplicate(nb_handle_t handle) {
  return static_cast<nb_handle_t>(nb_handle_duplicate(
      handle, static_cast<std::uint32_t>(nb_handle_info(handle, NB_HANDLE_PROPERTY_RIGHTS))));
}

/// This program as another process, which gets the handles.
nb_handle_t start(const char* role, const std::vector<nb_handle_t>& handles) {
  Startup startup;
  for (const nb_handle_t handle : handles) startup.handle("handle", handle);
  startup.argument("door_peers");
  startup.argument(role);
  return nebulet::sdk::start_wasi("child", static_cast<nb_handle_t>(nb_module_of("program", 7)), kMemory,
                                  startup);
}

bool ended(nb_handle_t process, nb_end_reason_t reason, std::int64_t code) {
  nb_object_wait(process, NB_SIGNAL_TERMINATED, now() + kLong);
  const std::int64_t its_reason = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON);
  const std::int64_t its_code = nb_process_inspect(process, NB_PROCESS_PROPERTY_END_CODE);
  nb_handle_close(process);
  if (its_reason != reason || its_code != code)
    std::printf("# reason %d, code %d\n", static_cast<int>(its_reason), static_cast<int>(its_code));
  return its_reason == reason && its_code == code;
}

/// A process that serves, and a door to it.
struct Server {
  nb_handle_t service = static_cast<nb_handle_t>(nb_service_create());
  nb_handle_t door = static_cast<nb_handle_t>(nb_door_create(service, 1000));
  nb_handle_t told = static_cast<nb_handle_t>(nb_event_create());
  nb_handle_t process;
  explicit Server(std::vector<nb_handle_t> more = {}) {
    std::vector<nb_handle_t> handles = {duplicate(service), duplicate(told)};
    handles.insert(handles.end(), more.begin(), more.end());
    process = start("serve", handles);
  }
  std::int64_t call(Work what, std::uint64_t a = 0) const {
    return nb_door_call(door, what, a, 0, 0, now() + kLong);
  }
  bool is_inside() const { return nb_object_wait(told, kInside, now() + kLong) > 0; }
  void close() const {
    for (const nb_handle_t handle : {service, door, told}) nb_handle_close(handle);
  }
};

void many_clients() {
  const Server server;
  std::vector<nb_handle_t> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(start("often", {static_cast<nb_handle_t>(nb_door_create(server.service, 1000))}));
  int good = 0;
  for (int i = 0; i < kCalls; ++i) good += server.call(add, static_cast<std::uint64_t>(i)) == 1000 + i;
  check(good == kCalls, "calls into another process give its results");
  for (const nb_handle_t client : clients)
    check(ended(client, NB_END_REASON_EXITED, 0), "so do those of others meanwhile");
  nb_handle_close(server.door);
  check(ended(server.process, NB_END_REASON_EXITED, 5),
        "the service is told of each door's end, and ends with them");
  nb_handle_close(server.service);
  nb_handle_close(server.told);
}

void bytes_and_handles() {
  const Server server;
  std::array<unsigned char, 1024> request, reply = {};
  for (std::size_t i = 0; i < request.size(); ++i) request[i] = static_cast<unsigned char>(7 * i);
  const auto sent = static_cast<nb_handle_t>(nb_event_create());
  const std::int64_t id = nb_handle_info(sent, NB_HANDLE_PROPERTY_OBJECT_ID);
  nb_handle_t received[2] = {};
  check(nb_door_exchange(server.door, copy, request.data(), request.size(), reply.data(), reply.size(), &sent,
                         1, received, 2, now() + kLong) == 2,
        "an exchange carries bytes and a handle");
  bool same = true;
  for (std::size_t i = 0; i < request.size(); ++i)
    same &= reply[i] == static_cast<unsigned char>(request[i] + 1);
  check(same, "the bytes come back changed by the server");
  check(nb_handle_info(received[0], NB_HANDLE_PROPERTY_OBJECT_ID) == id && received[1] == 0,
        "the handle names what it did");
  check(nb_handle_info(sent, NB_HANDLE_PROPERTY_OBJECT_ID) == NB_STATUS_BAD_HANDLE || received[0] == sent,
        "and had left meanwhile");
  nb_handle_close(received[0]);
  nb_process_kill(server.process);
  check(ended(server.process, NB_END_REASON_KILLED, 0), "a server that waits can be killed");
  check(nb_door_call(server.door, add, 0, 0, 0, 0) == NB_STATUS_TIMED_OUT, "then nobody answers");
  server.close();
}

void chains() {
  const Server inner;
  const Server outer({duplicate(inner.door)});
  check(outer.call(pass_on, 5) == 1005, "a service may call another one");
  const Server circle({duplicate(outer.door)});
  check(circle.call(pass_on, 6) == 1006, "and be called by a third");
  const auto service = static_cast<nb_handle_t>(nb_service_create());
  const auto door = static_cast<nb_handle_t>(nb_door_create(service, 1));
  const auto told = static_cast<nb_handle_t>(nb_event_create());
  const nb_handle_t own = start("serve", {duplicate(service), told, duplicate(door)});
  check(nb_door_call(door, pass_on, 1, 0, 0, now() + kLong) == (NB_STATUS_DEADLOCK & INT64_MAX),
        "a call that would wait for itself is refused");
  for (const nb_handle_t process : {own, circle.process, outer.process, inner.process}) {
    nb_process_kill(process);
    ended(process, NB_END_REASON_KILLED, 0);
  }
  for (const Server* server : {&inner, &outer, &circle}) server->close();
  nb_handle_close(service);
  nb_handle_close(door);
}

void servers_that_end() {
  const Server trapping;
  check(trapping.call(trap) == NB_STATUS_CALL_FAILED, "a trap in the server is an error for its caller");
  check(ended(trapping.process, NB_END_REASON_TRAPPED, NB_TRAP_KIND_UNREACHABLE), "and ends the server");
  trapping.close();
  const Server leaving;
  check(leaving.call(leave) == NB_STATUS_PEER_CLOSED, "so is its exit");
  check(ended(leaving.process, NB_END_REASON_EXITED, 7), "with its status");
  leaving.close();
  const Server killed;
  const nb_handle_t client = start("stay", {duplicate(killed.door)});
  check(killed.is_inside(), "a call waits in the server");
  nb_process_kill(killed.process);
  check(ended(client, NB_END_REASON_EXITED, 0), "which is killed: the call fails, its caller goes on");
  check(ended(killed.process, NB_END_REASON_KILLED, 0), "and the server is gone");
  killed.close();
}

void clients_that_end() {
  const Server server;
  const nb_handle_t client = start("stay", {duplicate(server.door)});
  check(server.is_inside(), "another call waits in a server");
  nb_process_kill(client);
  check(nb_process_inspect(client, NB_PROCESS_PROPERTY_THREADS) == 1,
        "its caller is killed: the function goes on");
  nb_object_signal(server.told, 0, kGoOn);
  check(ended(client, NB_END_REASON_KILLED, 0), "when it returns, the caller ends");
  check(server.call(add, 3) == 1003, "and the server serves the next");
  nb_process_kill(server.process);
  ended(server.process, NB_END_REASON_KILLED, 0);
  server.close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "serve") return serve();
  if (role == "often") return call_often();
  if (role == "stay") return call_until_the_end();
  const std::int64_t handles = nb_process_info(NB_PROCESS_PROPERTY_HANDLES);
  many_clients();
  bytes_and_handles();
  chains();
  servers_that_end();
  clients_that_end();
  check(nb_process_info(NB_PROCESS_PROPERTY_HANDLES) == handles, "no handle is left");
  std::printf("1..%d\n", number);
  return failures != 0;
}
