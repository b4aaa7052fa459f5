// SPDX-License-Identifier: MIT
// bench_kernel CPUS SAMPLES DIRECTORY: the kernel's own times, hosted, in cycles of the processor's counter.
// Prints a line for each: name, median, 10th and 90th percentile.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "kernel/ipc/channel.h"
#include "kernel/ipc/door.h"
#include "kernel/loader/loader.h"
#include "kernel/object/event.h"
#include "kernel/process/thread.h"
#include "kernel/test/world.h"
#include "wasm/compile.h"

namespace nebulet::kernel {
namespace {

std::string g_modules;
std::size_t g_samples = 300;

std::vector<std::byte> read_module(const char* name) {
  std::ifstream file(g_modules + "/" + name, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return {reinterpret_cast<const std::byte*>(bytes.data()),
          reinterpret_cast<const std::byte*>(bytes.data() + bytes.size())};
}

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "bench_kernel: %s\n", what);
  std::_Exit(1);
}

/// A process with calls.wasm.
struct Party {
  std::vector<std::byte> bytes = read_module("calls.wasm");
  Ref<Process> process = Process::create({}, nullptr, nullptr).value();
  LoadedProgram program;

  Party() {
    auto loaded = load_program(*process, {.program = bytes, .wasi = {}, .entry = "nothing"});
    check(loaded.has_value(), "the module does not load");
    program = std::move(*loaded);
  }
  ~Party() {
    process->exit(0);
    process->wait();
  }
  HandleValue give(Ref<Object> object) {
    return process->handles().insert(Handle(std::move(object), Rights(0xff))).value();
  }
  /// On a thread of the process.
  bool call(Thread& thread, const char* name, HandleValue handle, std::uint64_t word) {
    const std::array<wasm::Value, 2> arguments = {wasm::Value{.low = static_cast<std::uint64_t>(handle)},
                                                  wasm::Value{.low = word}};
    std::array<wasm::Value, 1> result;
    const auto outcome =
        wasm::invoke(thread.stack(), *program.instance->find_export(name)->function, arguments, result);
    return outcome.kind == wasm::Outcome::Kind::returned && result[0].low == 0;
  }
  void start(std::function<void(Thread&)> body) {
    check(Thread::start(process, std::move(body)).has_value(), "no thread");
  }
};

class Samples {
 public:
  void add(std::uint64_t cycles, std::uint64_t operations) {
    values_.push_back(static_cast<double>(cycles) / static_cast<double>(operations));
  }
  void print(const char* name) {
    std::ranges::sort(values_);
    const auto at = [&](std::size_t percent) { return values_[(values_.size() - 1) * percent / 100]; };
    std::printf("%s %.1f %.1f %.1f\n", name, at(50), at(10), at(90));
    std::fflush(stdout);
  }

 private:
  std::vector<double> values_;
};

/// A loop of calls, less what the loop takes without them.
void measure_calls(Party& party, const char* name, const char* function, HandleValue handle,
                   std::uint64_t rounds) {
  std::atomic<bool> done = false;
  Samples samples;
  party.start([&](Thread& self) {
    for (std::size_t i = 0; i < g_samples; ++i) {
      const std::uint64_t begin = __builtin_readcyclecounter();
      check(party.call(self, "nothing", handle, rounds), "the loop failed");
      const std::uint64_t middle = __builtin_readcyclecounter();
      check(party.call(self, function, handle, rounds), function);
      const std::uint64_t end = __builtin_readcyclecounter();
      const std::uint64_t loop = middle - begin, all = end - middle;
      if (i > 0) samples.add(all - std::min(loop, all), rounds);
    }
    done = true;
  });
  while (!done) Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
  samples.print(name);
}

/// A process ends with its last thread; this one sleeps.
void keep(Party& party) {
  party.start([&party](Thread&) {
    while (!party.process->exiting()) Scheduler::park_until(kForever);
  });
}

void measure_single() {
  Party party;
  keep(party);
  const HandleValue event = party.give(make_object<Event>(party.process->quota(), 0).value());
  measure_calls(party, "empty-call", "info", event, 10'000);
  measure_calls(party, "handle-info", "handle", event, 10'000);
  measure_calls(party, "handle-look-up", "signal", event, 10'000);
  Party server;
  const auto service = make_object<Service>(server.process->quota(), 0).value();
  const HandleValue at = server.give(service);
  const HandleValue door = party.give(service->create_door(server.process->quota(), 1).value());
  server.start([&](Thread& self) { (void)server.call(self, "serve", at, kForever); });
  measure_calls(party, "door", "door", door, 10'000);
  measure_calls(party, "door-1KiB", "exchange", door, 10'000);
}

/// Two threads, each of a process of its own, that do one function at a time together.
void measure_pair(const char* name, const char* first, const char* second, bool channel, std::uint64_t rounds,
                  std::uint64_t operations) {
  Party a, b;
  HandleValue at_a = HandleValue::none, at_b = HandleValue::none;
  if (channel) {
    auto [one, other] = Channel::create(a.process->quota()).value();
    at_a = a.give(one);
    at_b = b.give(other);
  }
  Samples samples;
  std::atomic<std::size_t> done_a = 0, done_b = 0;
  const std::size_t count = g_samples / 3 + 2;
  const auto body = [&](Party& party, std::atomic<std::size_t>& mine, std::atomic<std::size_t>& others,
                        const char* function, HandleValue handle, bool measures) {
    return [&, function, handle, measures](Thread& self) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t begin = __builtin_readcyclecounter();
        check(party.call(self, function, handle, rounds), function);
        if (measures && i > 0) samples.add(__builtin_readcyclecounter() - begin, operations);
        mine = i + 1;
        while (others < i + 1) Scheduler::yield();
      }
    };
  };
  b.start(body(b, done_b, done_a, second, at_b, false));
  a.start(body(a, done_a, done_b, first, at_a, true));
  while (done_a < count || done_b < count) Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
  samples.print(name);
}

/// A process with an instance of a module that is compiled already, from nothing to nothing.
void measure_processes() {
  const std::vector<std::byte> bytes = read_module("tiny.wasm");
  const Ref<Process> home = Process::create({}, nullptr, nullptr).value();
  wasm::Module module = wasm::decode_module(bytes).value();
  auto code = wasm::compile_module(module).value();
  const wasm::ModuleCodeRef shared =
      wasm::ModuleCode::create(home->memory(), {}, std::move(module), std::move(*code)).value();
  Samples samples;
  for (std::size_t i = 0; i < g_samples + 10; ++i) {
    const std::uint64_t begin = __builtin_readcyclecounter();
    {
      const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
      const auto made = process->store().instantiate(shared, {});
      check(made && !made->trap, "no instance");
      const auto thread = Thread::start(process, [&](Thread& self) {
        const std::array<wasm::Value, 2> arguments = {};
        std::array<wasm::Value, 1> result;
        const auto outcome =
            wasm::invoke(self.stack(), *made->instance->find_export("run")->function, arguments, result);
        check(outcome.kind == wasm::Outcome::Kind::returned, "the program failed");
        self.process().exit(0);
      });
      check(thread.has_value(), "no thread");
      process->wait();
    }
    if (i >= 10) samples.add(__builtin_readcyclecounter() - begin, 1);
  }
  samples.print("process");
}

}  // namespace
}  // namespace nebulet::kernel

int main(int argc, char** argv) {
  using namespace nebulet::kernel;
  if (argc != 4) return 2;
  const auto cpus = static_cast<std::uint32_t>(std::atoi(argv[1]));
  g_samples = static_cast<std::size_t>(std::atoi(argv[2]));
  g_modules = argv[3];
  in_kernel(
      [&] {
        if (cpus == 1) {
          measure_single();
          measure_pair("thread-switch", "yield", "yield", false, 2000, 4000);
          measure_pair("channel-1-cpu", "ping", "pong", true, 2000, 2000);
          measure_processes();
        } else {
          measure_pair("channel-2-cpus", "ping", "pong", true, 1000, 1000);
        }
      },
      cpus);
  return 0;
}
