// SPDX-License-Identifier: MIT
// Processes with real modules: many threads under a fast timer, calls with bad arguments, ends of all kinds.
#include "kernel/process/process.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "kernel/device/console.h"
#include "kernel/loader/loader.h"
#include "kernel/process/thread.h"
#include "kernel/test/world.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

std::vector<std::byte> read_module(const char* name) {
  std::ifstream file(std::string(NB_TEST_MODULES) + "/" + name, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(bytes.empty()) << name;
  return {reinterpret_cast<const std::byte*>(bytes.data()),
          reinterpret_cast<const std::byte*>(bytes.data() + bytes.size())};
}

/// A process with a module loaded from text.
struct World {
  std::vector<std::byte> bytes;
  Ref<Process> process;
  LoadedProgram program;

  World(const char* module, const char* entry, Process::Options options = {}) : bytes(read_module(module)) {
    process = Process::create(options, Ref<Object>(new Console), nullptr).value();
    auto loaded = load_program(*process, {.program = bytes, .wasi = {}, .entry = entry});
    EXPECT_TRUE(loaded) << loaded.error().text;
    program = std::move(*loaded);
  }
};

TEST(Process, ThreadsUnderAFastTimerComputeWhatOneAloneDoes) {
  in_kernel([] {
    World world("mix.wasm", "mix");
    constexpr std::size_t kThreads = 6;
    constexpr std::uint64_t kRounds = 3'000'000;
    std::array<std::uint64_t, kThreads> alone = {}, together = {};
    const auto compute = [&](Thread& thread, std::size_t i, std::array<std::uint64_t, kThreads>& into) {
      const std::array<wasm::Value, 2> arguments = {wasm::Value{.low = i + 1}, wasm::Value{.low = kRounds}};
      std::array<wasm::Value, 1> result;
      const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, arguments, result);
      EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::returned);
      into[i] = result[0].low;
    };
    std::atomic<bool> first_done = false;
    const auto first = Thread::start(world.process, [&](Thread& thread) {
      for (std::size_t i = 0; i < kThreads; ++i) compute(thread, i, alone);
      std::vector<Ref<Thread>> threads;
      for (std::size_t i = 0; i < kThreads; ++i)
        threads.push_back(
            Thread::start(world.process, [&, i](Thread& self) { compute(self, i, together); }).value());
      first_done = true;
    });
    ASSERT_TRUE(first);
    world.process->wait();
    EXPECT_TRUE(first_done);
    EXPECT_EQ(alone, together);
  });
}

TEST(Process, ExitStopsThreadsThatSpin) {
  in_kernel([] {
    World world("mix.wasm", "spin");
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(Thread::start(world.process, [&](Thread& thread) {
        const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, {}, {});
        EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
      }));
    }
    Scheduler::sleep_until(machine::monotonic_ns() + 20'000'000);
    world.process->exit(9);
    world.process->exit(10);
    EXPECT_EQ(world.process->wait(), 9);
  });
}

TEST(Process, ExitWakesThreadsThatSleep) {
  in_kernel([] {
    World world("calls.wasm", "sleep_for_ever");
    ASSERT_TRUE(Thread::start(world.process, [&](Thread& thread) {
      const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, {}, {});
      EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
    }));
    Scheduler::sleep_until(machine::monotonic_ns() + 5'000'000);
    world.process->exit(3);
    EXPECT_EQ(world.process->wait(), 3);
  });
}

TEST(Process, ExitStopsACallThatWouldTakeLong) {  // 256 MiB of random bytes for each call
  in_kernel([] {
    constexpr std::uint64_t kSoon = 1'000'000'000;
    std::uint64_t took = kSoon;
    // On a busy host any wait may last: once in so many times it is short, if the call does stop.
    for (int attempt = 0; attempt < 20 && took >= kSoon; ++attempt) {
      World world("calls.wasm", "entropy_for_long", {.memory_limit = 8ull << 30});
      ASSERT_TRUE(Thread::start(world.process, [&](Thread& thread) {
        std::array<wasm::Value, 1> result;
        const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, {}, result);
        EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::unwound);
      }));
      Scheduler::sleep_until(machine::monotonic_ns() + 5'000'000);
      const std::uint64_t begin = machine::monotonic_ns();
      world.process->exit(5);
      EXPECT_EQ(world.process->wait(), 5);
      took = machine::monotonic_ns() - begin;
    }
    EXPECT_LT(took, kSoon);
  });
}

TEST(Process, StackExhaustionIsATrapWhileTheTimerRuns) {
  in_kernel([] {
    World world("mix.wasm", "recurse");
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(Thread::start(world.process, [&](Thread& thread) {
        for (int round = 0; round < 20; ++round) {
          std::array<wasm::Value, 1> result;
          const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, {}, result);
          ASSERT_EQ(outcome.kind, wasm::Outcome::Kind::trapped);
          ASSERT_EQ(outcome.trap, wasm::Trap::stack_exhausted);
        }
      }));
    }
    world.process->wait();
  });
}

TEST(Process, ReturnsItsMemory) {
  in_kernel([] {
    const std::uint64_t before = machine::free_memory();
    for (int i = 0; i < 50; ++i) {
      World world("mix.wasm", "recurse");
      ASSERT_TRUE(Thread::start(world.process, [&](Thread& thread) {
        std::array<wasm::Value, 1> result;
        wasm::invoke(thread.stack(), *world.program.entry, {}, result);
      }));
      world.process->wait();
    }
    EXPECT_GE(machine::free_memory() + 4 * (kernel_stack_size(StackKind::large) + (1 << 20)), before);
  });
}

/// Calls an export of calls.wasm, which passes its arguments to a kernel call, and returns the status or
/// result.
std::int64_t call(const char* name, std::vector<std::uint64_t> words, Process::Options options = {}) {
  std::int64_t answer = 0;
  World world("calls.wasm", name, options);
  std::vector<wasm::Value> arguments;
  for (std::uint64_t word : words) arguments.push_back({.low = word});
  EXPECT_TRUE(Thread::start(world.process, [&](Thread& thread) {
    std::array<wasm::Value, 1> result;
    const auto outcome = wasm::invoke(thread.stack(), *world.program.entry, arguments, result);
    EXPECT_EQ(outcome.kind, wasm::Outcome::Kind::returned);
    const bool narrow = world.program.entry->type->results[0] == wasm::kI32;
    answer = narrow ? static_cast<std::int32_t>(result[0].low) : static_cast<std::int64_t>(result[0].low);
  }));
  world.process->wait();
  return answer;
}

std::int64_t code(Status status) { return static_cast<std::int64_t>(status); }

TEST(Calls, RefuseBuffersOutsideOfMemory) {  // the module has one page
  in_kernel([] {
    EXPECT_EQ(call("entropy", {0, 65536}), 0);
    EXPECT_EQ(call("entropy", {65536, 0}), 0);
    EXPECT_EQ(call("entropy", {65535, 2}), code(Status::bad_address));
    EXPECT_EQ(call("entropy", {0xffffffff, 0xffffffff}), code(Status::bad_address));
    EXPECT_EQ(call("entropy", {1, 0xffffffff}), code(Status::bad_address));
    EXPECT_EQ(call("startup", {65530, 100}), code(Status::bad_address));
  });
}

TEST(Calls, CheckHandlesAndEnumerations) {
  in_kernel([] {
    EXPECT_EQ(call("close", {0}), code(Status::bad_handle));
    EXPECT_EQ(call("write", {0, 1, 0, 0}), code(Status::bad_handle));
    EXPECT_EQ(call("write", {1, 3, 0, 0}), code(Status::invalid_argument));
    EXPECT_EQ(call("write", {1, 1, 0, 0}), 0);
    EXPECT_EQ(call("write", {1, 1, 65530, 7}), code(Status::bad_address));
    EXPECT_EQ(call("transact", {1, 0, 0, 0, 0}), code(Status::wrong_type));
    EXPECT_EQ(call("clock", {4}), code(Status::invalid_argument));
    EXPECT_GT(call("clock", {0}), 0);
    EXPECT_GT(call("clock", {1}), 1'600'000'000'000'000'000);
    EXPECT_EQ(call("caller_size", {}), code(Status::no_caller));
  });
}

TEST(Calls, StartupTellsTheWholeLengthWhateverFits) {
  in_kernel([] {
    Process::Options options;
    options.arguments = {"abc", "d"};
    options.environment = {"K=V"};
    options.preopens = {"/"};
    const std::int64_t length = 4 * 7 + 4 + (4 + 4) + (4 + 4) + 4 + (4 + 4) + 4 + (4 + 2 * (4 + 4)) + 4 * 2;
    EXPECT_EQ(call("startup", {0, 0}, options), length);
    EXPECT_EQ(call("startup", {0, 1000}, options), length);
  });
}

TEST(Loader, NamesTheImportThatNothingProvides) {
  in_kernel([] {
    const auto bytes = read_module("needs.wasm");
    const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
    const auto loaded = load_program(*process, {.program = bytes, .wasi = {}, .entry = "_start"});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().text, "program: nothing provides the imported function env.no_such_thing");
  });
}

TEST(Loader, NamesTheByteThatIsWrong) {
  in_kernel([] {
    auto bytes = read_module("mix.wasm");
    bytes.resize(bytes.size() / 2);
    const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
    const auto loaded = load_program(*process, {.program = bytes, .wasi = {}, .entry = "_start"});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().text.find("program: malformed module at byte 0x"), std::string::npos)
        << loaded.error().text;
  });
}

}  // namespace
}  // namespace nebulet::kernel
