// SPDX-License-Identifier: MIT
// Doors between processes with real modules: results, refusals, and every way in which either side can end.
#include "kernel/ipc/door.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "kernel/device/console.h"
#include "kernel/loader/loader.h"
#include "kernel/object/event.h"
#include "kernel/process/thread.h"
#include "kernel/test/world.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kNow = 0;
std::uint64_t word(Status status) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(status)); }
std::uint64_t word(HandleValue handle) { return static_cast<std::uint64_t>(handle); }

/// A process with doors.wasm.
struct Party {
  std::vector<std::byte> bytes;
  Ref<Process> process;
  LoadedProgram program;
  std::vector<Ref<Thread>> threads;

  Party() {
    std::ifstream file(NB_TEST_MODULES "/doors.wasm", std::ios::binary);
    std::vector<char> chars((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    bytes.assign(reinterpret_cast<const std::byte*>(chars.data()),
                 reinterpret_cast<const std::byte*>(chars.data() + chars.size()));
    process = Process::create({}, nullptr, nullptr).value();
    auto loaded = load_program(*process, {.program = bytes, .wasi = {}, .entry = "call"});
    EXPECT_TRUE(loaded) << loaded.error().text;
    program = std::move(*loaded);
  }
  wasm::Function& function(const char* name) { return *program.instance->find_export(name)->function; }

  /// On the calling thread, which is of this process.
  std::uint64_t call(Thread& thread, const char* name, std::vector<std::uint64_t> words,
                     wasm::Outcome* outcome = nullptr) {
    std::vector<wasm::Value> arguments;
    for (std::uint64_t w : words) arguments.push_back({.low = w});
    std::array<wasm::Value, 1> result;
    wasm::Outcome end = wasm::invoke(thread.stack(), function(name), arguments, result);
    if (outcome != nullptr) {
      *outcome = std::move(end);
    } else {
      EXPECT_EQ(end.kind, wasm::Outcome::Kind::returned) << name;
    }
    const bool narrow = function(name).type->results[0] == wasm::kI32;
    return narrow ? static_cast<std::uint64_t>(static_cast<std::int32_t>(result[0].low)) : result[0].low;
  }
  /// The body runs on a new thread.
  void start(std::function<void(Thread&)> body) {
    threads.push_back(Thread::start(process, std::move(body)).value());
  }
  HandleValue give(const Ref<Object>& object, Rights rights = Rights(0xff)) {
    return process->handles().insert(Handle(object, rights)).value();
  }
  void end(int status = 0) {
    process->exit(status);
    process->wait();
  }
};

/// A service process whose thread serves for ever, and a client with a door to it.
struct Pair {
  Party server, client;
  Ref<Service> service;
  Ref<Door> door;
  Handle keep;
  HandleValue service_handle, door_handle;
  std::atomic<bool> served = false;
  std::uint64_t serve_result = 1;
  wasm::Outcome serve_outcome;

  explicit Pair(bool serves = true) {
    service = make_object<Service>(server.process->quota(), 0).value();
    service_handle = server.give(service);
    door = service->create_door(server.process->quota(), 1000).value();
    door_handle = client.give(door);
    if (serves) serve();
  }
  void serve(std::uint64_t deadline = kForever) {
    server.start([this, deadline](Thread& self) {
      serve_result = server.call(self, "serve", {word(service_handle), 0, deadline}, &serve_outcome);
      served = true;
    });
  }
  /// A call by a thread of the client.
  std::uint64_t call(std::vector<std::uint64_t> words, std::uint64_t deadline = kForever) {
    return client_does("call", [&] {
      words.insert(words.begin(), word(door_handle));
      words.resize(5);
      words.push_back(deadline);
      return words;
    }());
  }
  std::uint64_t client_does(const char* name, std::vector<std::uint64_t> words) {
    std::atomic<bool> done = false;
    std::uint64_t result = 0;
    keep_client();
    client.start([&](Thread& self) {
      result = client.call(self, name, words);
      done = true;
    });
    while (!done) Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
    return result;
  }
  /// Waits until the function does `what`.
  void wait_until_inside(std::uint64_t what) {
    for (std::uint64_t seen = 0; seen != what + 1;) {
      Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
      EXPECT_EQ(server.program.instance->memory()->read(8, std::as_writable_bytes(std::span(&seen, 1))),
                wasm::GuestResult::ok);
    }
  }
  /// A process ends with its last thread, so the client has one that sleeps.
  void keep_client() {
    if (kept_) return;
    kept_ = true;
    client.start([this](Thread&) {
      while (!client.process->exiting()) Scheduler::park_until(kForever);
    });
  }
  ~Pair() {
    server.end();
    client.end();
  }

 private:
  bool kept_ = false;
};

TEST(Door, CallsTheServiceOnTheCallersThread) {
  in_kernel([] {
    Pair pair;
    EXPECT_EQ(pair.call({0, 1, 2, 3}), 1006u);
    EXPECT_EQ(pair.call({0, 1ull << 40, 2, 3}), 1005u + (1ull << 40));
    EXPECT_EQ(pair.client_does("calls", {word(pair.door_handle), 20'000}),
              20'000ull * 1005 + 20'000ull * 20'001 / 2);
    EXPECT_EQ(pair.call({8}), 1u);  // only this one is inside
    EXPECT_FALSE(pair.served);
  });
}

TEST(Door, BytesAndHandlesGoFromProcessToProcess) {
  in_kernel([] {
    Pair pair;
    constexpr std::uint32_t kSize = 60'000;
    std::vector<std::byte> request(kSize);
    for (std::uint32_t i = 0; i < kSize; ++i) request[i] = static_cast<std::byte>(i * 7);
    ASSERT_EQ(pair.client.program.instance->memory()->write(256, std::span(request).first(3000)),
              wasm::GuestResult::ok);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 1, 3000, 0, 0}), 3000u);
    std::vector<std::byte> reply(3000);
    ASSERT_EQ(pair.client.program.instance->memory()->read(4096, reply), wasm::GuestResult::ok);
    for (std::uint32_t i = 0; i < 3000; ++i)
      ASSERT_EQ(reply[i], static_cast<std::byte>(static_cast<unsigned>(request[i]) + 1)) << i;

    const Ref<Event> event = make_object<Event>(pair.client.process->quota(), 0).value();
    const auto put = [&](HandleValue value) {
      ASSERT_EQ(pair.client.program.instance->memory()->write(16, std::as_bytes(std::span(&value, 1))),
                wasm::GuestResult::ok);
    };
    const HandleValue sent = pair.client.give(event, Right::transfer | Right::wait);
    put(sent);
    const std::uint64_t at_server = pair.client_does("exchange", {word(pair.door_handle), 10, 0, 1, 0});
    const auto found =
        pair.server.process->handles().get(HandleValue{static_cast<std::uint32_t>(at_server)}, Right::wait);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->get(), event.get());
    EXPECT_EQ(pair.client.process->handles().get(sent, Right::wait).error(), Status::bad_handle);

    // There and back; without a place for it the server cannot give it.
    const HandleValue again = pair.client.give(event, Right::transfer | Right::wait);
    put(again);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 11, 0, 1, 1}), 0u);
    HandleValue back = HandleValue::none;
    ASSERT_EQ(pair.client.program.instance->memory()->read(32, std::as_writable_bytes(std::span(&back, 1))),
              wasm::GuestResult::ok);
    EXPECT_EQ(pair.client.process->handles().get(back, Right::wait)->get(), event.get());
    put(back);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 11, 0, 1, 0}),
              11u);  // too_large, negated

    // Refused handles stay; those that nobody takes are closed.
    const HandleValue fixed = pair.client.give(event, Right::wait);
    put(fixed);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 0, 0, 1, 0}),
              word(Status::access_denied));
    EXPECT_TRUE(pair.client.process->handles().get(fixed, Right::wait));
    put(pair.door_handle);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 0, 0, 1, 0}),
              word(Status::invalid_argument));
    const HandleValue lost = pair.client.give(event);
    put(lost);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 0, 0, 1, 0}), 1000u + 0 + 1);
    EXPECT_EQ(pair.client.process->handles().get(lost, Right::wait).error(), Status::bad_handle);
  });
}

TEST(Door, TellsWhatWasNotAskedFor) {
  in_kernel([] {
    Pair pair;
    EXPECT_EQ(pair.call({9, 1}), 12u);  // no_caller, negated: a call without bytes
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 9, 5, 0, 0}), 0u);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 9, 100'000, 0, 0}), 0u);
    EXPECT_EQ(pair.client_does("exchange", {word(pair.door_handle), 9, 130'000, 0, 0}),
              word(Status::bad_address));
    EXPECT_EQ(pair.client_does("call", {word(pair.door_handle) + 8192, 0, 0, 0, 0, 0}),
              word(Status::bad_handle));
    const HandleValue weak = pair.client.give(pair.door, Right::wait);
    EXPECT_EQ(pair.client_does("call", {word(weak), 0, 0, 0, 0, 0}), word(Status::access_denied));
    const HandleValue other = pair.client.give(pair.service);
    EXPECT_EQ(pair.client_does("call", {word(other), 0, 0, 0, 0, 0}), word(Status::wrong_type));
  });
}

TEST(Door, ServeRefusesFunctionsOfOtherTypes) {
  in_kernel([] {
    Pair pair(false);
    pair.server.start([&](Thread& self) {
      const std::uint64_t service = word(pair.service_handle);
      EXPECT_EQ(pair.server.call(self, "serve", {service, 1, kNow}), word(Status::invalid_argument));
      EXPECT_EQ(pair.server.call(self, "serve", {service, 2, kNow}), word(Status::invalid_argument));
      EXPECT_EQ(pair.server.call(self, "serve", {service, 3, kNow}), word(Status::invalid_argument));
      EXPECT_EQ(pair.server.call(self, "serve", {service, ~0u, kNow}), word(Status::invalid_argument));
      EXPECT_EQ(pair.server.call(self, "serve", {service, 0, kNow}), word(Status::timed_out));
      const std::uint64_t soon = machine::monotonic_ns() + 3 * kMs;
      EXPECT_EQ(pair.server.call(self, "serve", {service, 0, soon}), word(Status::timed_out));
      EXPECT_GE(machine::monotonic_ns(), soon);
    });
    pair.server.process->wait();
  });
}

TEST(Door, WaitsForAServerUntilTheDeadline) {
  in_kernel([] {
    Pair pair(false);
    EXPECT_EQ(pair.call({0}, kNow), word(Status::timed_out));
    const std::uint64_t soon = machine::monotonic_ns() + 3 * kMs;
    EXPECT_EQ(pair.call({0}, soon), word(Status::timed_out));
    EXPECT_GE(machine::monotonic_ns(), soon);
    std::atomic<int> answered = 0;
    for (int i = 0; i < 5; ++i)
      pair.client.start([&](Thread& self) {
        EXPECT_EQ(pair.client.call(self, "calls", {word(pair.door_handle), 1}), 1006u);
        ++answered;
      });
    Scheduler::sleep_until(machine::monotonic_ns() + 5 * kMs);
    EXPECT_EQ(answered, 0);
    pair.serve();
    while (answered < 5) Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
  });
}

TEST(Door, ManyCallersAndServersNeverMeetInAnInstance) {
  in_kernel([] {
    Pair pair;
    constexpr std::uint64_t kCallers = 6, kCalls = 4000;
    std::atomic<std::uint64_t> ended = 0;
    pair.keep_client();
    for (std::uint64_t i = 0; i < kCallers; ++i)
      pair.client.start([&](Thread& self) {
        EXPECT_EQ(pair.client.call(self, "calls", {word(pair.door_handle), kCalls}),
                  kCalls * 1005 + kCalls * (kCalls + 1) / 2);
        EXPECT_EQ(pair.client.call(self, "call", {word(pair.door_handle), 8, 0, 0, 0, kForever}), 1u);
        ++ended;
      });
    while (ended < kCallers) Scheduler::sleep_until(machine::monotonic_ns() + kMs);
  });
}

TEST(Door, ATrapEndsTheServerAndFailsTheCall) {
  in_kernel([] {
    Pair pair;
    Handle open(pair.service, Rights());  // that of the server goes with its last thread
    EXPECT_EQ(pair.call({2}), word(Status::call_failed));
    while (!pair.served) Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
    EXPECT_EQ(pair.serve_outcome.kind, wasm::Outcome::Kind::trapped);
    EXPECT_EQ(pair.serve_outcome.trap, wasm::Trap::unreachable);
    EXPECT_FALSE(pair.serve_outcome.backtrace.empty());
    EXPECT_NE(pair.serve_outcome.position, 0u);
    pair.server.process->wait();  // its only thread ended
    EXPECT_EQ(pair.call({0}, kNow), word(Status::timed_out));
    pair.service.reset();
    open = {};
    EXPECT_EQ(pair.call({0}), word(Status::peer_closed));
    EXPECT_TRUE(pair.door->signals().contains(Signal::peer_closed));
  });
}

TEST(Door, TheServersStackIsItsOwn) {
  in_kernel([] {
    Pair pair;
    EXPECT_EQ(pair.call({7}), word(Status::call_failed));
    while (!pair.served) Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
    EXPECT_EQ(pair.serve_outcome.trap, wasm::Trap::stack_exhausted);
    EXPECT_EQ(pair.client_does("call", {0, 0, 0, 0, 0, 0}), word(Status::bad_handle));  // the client is well
  });
}

TEST(Door, TheServersEndFailsTheCall) {
  in_kernel([] {
    for (const std::uint64_t what : {3, 4, 6}) {  // spins, sleeps, exits
      Pair pair;
      pair.server.start([&](Thread&) {
        if (what == 6) return;
        pair.wait_until_inside(what);
        pair.server.process->exit(9);
      });
      EXPECT_EQ(pair.call({what, what == 4 ? kForever >> 2 : 9}), word(Status::peer_closed)) << what;
      EXPECT_EQ(pair.server.process->wait(), 9);
      EXPECT_EQ(pair.serve_outcome.kind, wasm::Outcome::Kind::unwound) << what;
    }
  });
}

TEST(Door, TheCallersEndWaitsForTheServer) {
  in_kernel([] {
    // The function sleeps until a time that must not have come yet when the client is told to end; how much
    // is enough depends on how busy the host is.
    for (std::uint64_t enough = 200 * kMs;; enough *= 2) {
      Pair pair;
      const Handle open(pair.door, Rights());  // that of the client goes with its last thread
      const std::uint64_t until = machine::monotonic_ns() + enough;
      wasm::Outcome outcome;
      pair.keep_client();
      pair.client.start([&](Thread& self) {
        pair.client.call(self, "call", {word(pair.door_handle), 4, until, 0, 0, kForever}, &outcome);
      });
      pair.wait_until_inside(4);
      pair.client.process->exit(5);
      const bool in_time = machine::monotonic_ns() < until;
      pair.client.process->wait();
      if (!in_time) continue;
      EXPECT_GE(machine::monotonic_ns(), until);
      EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
      EXPECT_FALSE(pair.served);
      Party other;  // the function ran to its end, and serves again
      const HandleValue handle = other.give(pair.door);
      other.start([&](Thread& self) {
        EXPECT_EQ(other.call(self, "call", {word(handle), 8, 0, 0, 0, kForever}), 1u);
      });
      other.process->wait();
      return;
    }
  });
}

TEST(Door, TheEndOfACallerThatWaitsIsImmediate) {
  in_kernel([] {
    Pair pair(false);
    pair.client.start([&](Thread& self) {
      wasm::Outcome outcome;
      pair.client.call(self, "call", {word(pair.door_handle), 0, 0, 0, 0, kForever}, &outcome);
      EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
    });
    Scheduler::sleep_until(machine::monotonic_ns() + 3 * kMs);
    pair.client.end(5);
  });
}

TEST(Door, NestedCallsAndCallsThatWouldWaitForThemselves) {
  in_kernel([] {
    Pair first, second;
    EXPECT_EQ(first.call({0}) + second.call({0}), 2000u);  // both serve
    const std::uint64_t to_second = word(first.server.give(second.door));
    const std::uint64_t to_first = word(second.server.give(first.door));
    EXPECT_EQ(first.call({5, to_second, 5 << 8, 6}), 1000u + 1000 + 5 + 6);
    // The second asks the first, which is inside this call: 5, calls to_first with deadline 0.
    EXPECT_EQ(first.call({5, to_second, 5 | to_first << 8, 0}), 1000u + 1000 + word(Status::deadlock));
    EXPECT_EQ(first.call({8}), 1u);
    // A trap two calls away ends only who trapped.
    EXPECT_EQ(first.call({5, to_second, 2, 0}), 1000u + word(Status::call_failed));
    EXPECT_EQ(first.call({8}), 1u);
  });
}

// Each process calls the next one; there is kernel stack for some of them, and the rest is refused.
TEST(Door, DeepChainsAreRefusedBeforeTheKernelStackEnds) {
  in_kernel([] {
    constexpr std::size_t kProcesses = 160;
    std::vector<std::unique_ptr<Party>> chain;
    std::vector<Ref<Door>> doors;
    std::vector<Handle> open;  // those in a process go with its last thread
    for (std::size_t i = 0; i < kProcesses; ++i) {
      chain.push_back(std::make_unique<Party>());
      Party& party = *chain.back();
      const auto service = make_object<Service>(party.process->quota(), 0).value();
      doors.push_back(service->create_door(party.process->quota(), 0).value());
      open.emplace_back(doors.back(), Rights());
      const HandleValue handle = party.give(service);
      party.start([&party, handle](Thread& self) {
        wasm::Outcome outcome;
        party.call(self, "serve", {word(handle), 0, kForever}, &outcome);
        EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
      });
    }
    std::uint64_t next = 0;  // the same number in each process
    for (std::size_t i = 0; i + 1 < kProcesses; ++i) next = word(chain[i]->give(doors[i + 1]));
    Party client;
    const std::uint64_t first = word(client.give(doors[0]));
    std::uint64_t result = 0;
    client.start(
        [&](Thread& self) { result = client.call(self, "call", {first, 12, next, 0, 0, kForever}); });
    client.process->wait();
    // The innermost function got the status, negated; each around it added one.
    EXPECT_EQ(result >> 32, 0 - word(Status::limit_reached));
    EXPECT_GT(result & 0xffffffff, 20u);
    EXPECT_LT(result & 0xffffffff, kProcesses - 1);
    for (auto& party : chain) party->end();
  });
}

TEST(Door, TheServiceLearnsWhoseClientsAreGone) {
  in_kernel([] {
    Pair pair(false);
    const Handle open(pair.service, Rights());  // that of the server goes with its last thread
    Handle second(pair.service->create_door(pair.server.process->quota(), 2000).value(), Rights(0xff));
    pair.serve();
    EXPECT_EQ(pair.call({0}), 1000u);
    pair.client.process->handles().close(pair.door_handle);
    while (!pair.served) Scheduler::sleep_until(machine::monotonic_ns() + kMs / 10);
    EXPECT_EQ(pair.serve_result, 0u);
    std::array<std::uint64_t, 4> cookies = {};
    EXPECT_EQ(pair.service->take_ended(cookies), 1u);
    EXPECT_EQ(cookies[0], 1000u);
    EXPECT_FALSE(pair.service->signals().contains(Signal::readable));
    second = {};
    EXPECT_EQ(pair.service->take_ended(std::span(cookies).first(0)), 0u);
    EXPECT_EQ(pair.service->take_ended(cookies), 1u);
    EXPECT_EQ(cookies[0], 2000u);
    EXPECT_TRUE(pair.service->signals().contains(Signal::peer_closed));
  });
}

TEST(Door, MemoryIsChargedAndGivenBack) {
  in_kernel([] {
    const QuotaRef quota(new Quota(1 << 20));
    {
      const auto service = make_object<Service>(quota, 0).value();
      const Handle keep(service, Rights(0xff));
      std::vector<Handle> doors;
      for (;;) {
        auto door = service->create_door(quota, 1);
        if (!door) {
          EXPECT_EQ(door.error(), Status::out_of_memory);
          break;
        }
        doors.emplace_back(*door, Rights(0xff));
      }
      EXPECT_GT(doors.size(), 1000u);
      EXPECT_LT(quota->limit() - quota->used(), sizeof(Door));
      doors.resize(doors.size() / 2);  // those that ended wait for the service, and go with it
    }
    EXPECT_EQ(quota->used(), 0u);
  });
}

}  // namespace
}  // namespace nebulet::kernel
