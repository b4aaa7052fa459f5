// SPDX-License-Identifier: MIT
// Preemption at 10 kHz: every register that wasm code may use survives it, and programs compute what they
// compute without it. The first part runs hand-written machine code (test/registers.S), since compiled code
// does not keep all registers busy. NB_PREEMPTIONS: how often, at 50 kHz.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "kernel/loader/loader.h"
#include "kernel/process/process.h"
#include "kernel/process/thread.h"
#include "kernel/test/world.h"
#include "machine/include/machine/cpu.h"

extern "C" const std::byte code_preemption_begin[], code_registers[], code_preemption_end[];

namespace nebulet::kernel {
namespace {

constexpr std::uint64_t kFast = 100'000;  ///< of a time slice at 10 kHz
constexpr std::uint32_t kCpus = 4;

/// As registers.S has it.
struct RegisterState {
  std::uint64_t gpr[14] = {};  ///< rax, rcx, rdx, rbx, rbp, rsi, rdi, r8 … r14
  std::uint64_t flags = 0;
  std::uint32_t mxcsr = 0, padding = 0;
  std::uint64_t vectors[16][4] = {};
};
static_assert(offsetof(RegisterState, flags) == 112 && offsetof(RegisterState, mxcsr) == 120 &&
              offsetof(RegisterState, vectors) == 128 && sizeof(RegisterState) == 80 * 8);
struct alignas(64) RegisterBlock {
  RegisterState expected;
  std::byte gap[1024 - sizeof(RegisterState)] = {};
  RegisterState actual;
  std::byte gap2[2040 - 1024 - sizeof(RegisterState)] = {};
  std::uint32_t plain_mxcsr = 0x1f80;
};
static_assert(offsetof(RegisterBlock, actual) == 1024 && offsetof(RegisterBlock, plain_mxcsr) == 2040);

/// Deterministic noise, different for each thread and round.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void fill(RegisterState& state, std::uint64_t& noise) {
  for (std::uint64_t& gpr : state.gpr) gpr = next(noise);
  for (auto& vector : state.vectors)
    for (std::uint64_t& word : vector) word = next(noise);
  constexpr std::uint64_t kArithmeticFlags = 0x8d5;  // OF SF ZF AF PF CF
  constexpr std::uint64_t kAlways = 0x202;           // IF and the bit that is always set
  state.flags = kAlways | (next(noise) & kArithmeticFlags);
  constexpr std::uint32_t kRounding = 0x6000, kExceptions = 0x3f;  // masked, some pending
  state.mxcsr = 0x1f80 | (static_cast<std::uint32_t>(next(noise)) & (kRounding | kExceptions));
}

/// The code of registers.S as a module with one function.
wasm::ModuleCodeRef register_code(wasm::Host& host) {
  wasm::Module module;
  module.types.push_back(wasm::FuncType{.params = {wasm::kI64}, .results = {wasm::kI32}});
  module.functions.push_back({.type = 0});
  module.exports.push_back({.name = "registers", .kind = wasm::ExternKind::function, .index = 0});
  wasm::CodeObject code;
  code.text.assign(code_preemption_begin, code_preemption_end);
  code.functions.push_back({.begin = static_cast<std::uint32_t>(code_registers - code_preemption_begin),
                            .end = static_cast<std::uint32_t>(code.text.size()),
                            .frame = 24});
  code.text.resize((code.text.size() + 4095) & ~std::size_t{4095}, std::byte{0xcc});
  return wasm::ModuleCode::create(host, {}, std::move(module), std::move(code)).value();
}

TEST(Preemption, KeepsEveryRegister) {
  in_kernel(
      [] {
        const char* count = getenv("NB_PREEMPTIONS");
        const std::uint64_t wanted = count != nullptr ? std::strtoull(count, nullptr, 10) : 25'000;
        Scheduler::set_slice(count != nullptr ? kFast / 5 : kFast);
        const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
        auto made = process->store().instantiate(register_code(process->memory()), {});
        ASSERT_TRUE(made);
        wasm::Function& function = made->instance->function(0);
        const std::uint64_t before = preemptions();
        std::atomic<std::uint32_t> cpus_seen = 0;
        std::atomic<std::uint64_t> rounds = 0;
        for (std::uint64_t i = 0; i < 6; ++i) {
          ASSERT_TRUE(Thread::start(process, [&, i](Thread& thread) {
            auto block = std::make_unique<RegisterBlock>();
            std::uint64_t noise = i << 32;
            while (preemptions() - before < wanted) {
              fill(block->expected, noise);
              const wasm::Value argument{.low = reinterpret_cast<std::uint64_t>(block.get())};
              wasm::Value difference;
              const auto outcome = wasm::invoke(thread.stack(), function, {&argument, 1}, {&difference, 1});
              ASSERT_EQ(outcome.kind, wasm::Outcome::Kind::returned);
              ASSERT_EQ(difference.low, 0u)
                  << "word " << difference.low - 1 << " of the registers changed in round " << rounds;
              cpus_seen |= 1u << machine::current_cpu();
              ++rounds;
            }
          }));
        }
        process->wait();
        std::printf("%llu preemptions, %llu patterns, CPUs %#x\n",
                    static_cast<unsigned long long>(preemptions() - before),
                    static_cast<unsigned long long>(rounds), cpus_seen.load());
      },
      kCpus);
}

TEST(Preemption, LeavesStackExhaustionATrap) {
  in_kernel(
      [] {
        Scheduler::set_slice(kFast);
        std::ifstream file(std::string(NB_TEST_MODULES) + "/calls.wasm", std::ios::binary);
        const std::vector<char> chars((std::istreambuf_iterator<char>(file)),
                                      std::istreambuf_iterator<char>());
        const auto bytes = std::as_bytes(std::span(chars));
        for (const char* entry : {"recurse_with_calls", "recurse_with_arguments"}) {
          const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
          auto program = load_program(*process, {.program = bytes, .entry = entry});
          ASSERT_TRUE(program) << program.error().text;
          for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(Thread::start(process, [&](Thread& thread) {
              for (int round = 0; round < 8; ++round) {
                std::array<wasm::Value, 1> result;
                const auto outcome = wasm::invoke(thread.stack(), *program->entry, {}, result);
                ASSERT_EQ(outcome.kind, wasm::Outcome::Kind::trapped);
                ASSERT_EQ(outcome.trap, wasm::Trap::stack_exhausted);
                ASSERT_EQ(outcome.backtrace.size(), wasm::kMaxBacktrace);
              }
            }));
          }
          process->wait();
        }
      },
      kCpus);
}

TEST(Preemption, ChangesNoResultAtAnyRate) {
  in_kernel(
      [] {
        std::ifstream file(std::string(NB_TEST_MODULES) + "/mix.wasm", std::ios::binary);
        const std::vector<char> chars((std::istreambuf_iterator<char>(file)),
                                      std::istreambuf_iterator<char>());
        const auto bytes = std::as_bytes(std::span(chars));
        const Ref<Process> process = Process::create({}, nullptr, nullptr).value();
        auto program = load_program(*process, {.program = bytes, .entry = "mix"});
        ASSERT_TRUE(program) << program.error().text;
        constexpr std::size_t kThreads = 6;
        using Sums = std::array<std::uint64_t, kThreads>;
        const auto run = [&](std::uint64_t slice) {
          Scheduler::set_slice(slice);
          Sums sums = {};
          std::atomic<std::size_t> left = kThreads;
          for (std::size_t i = 0; i < kThreads; ++i) {
            EXPECT_TRUE(Thread::start(process, [&, i](Thread& thread) {
              const std::array<wasm::Value, 2> arguments = {wasm::Value{.low = i + 1},
                                                            wasm::Value{.low = 5'000'000}};
              std::array<wasm::Value, 1> result;
              EXPECT_EQ(wasm::invoke(thread.stack(), *program->entry, arguments, result).kind,
                        wasm::Outcome::Kind::returned);
              sums[i] = result[0].low;
              --left;
            }));
          }
          while (left != 0) Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
          return sums;
        };
        // A thread of its own keeps the process alive between the rounds.
        std::atomic<bool> done = false;
        ASSERT_TRUE(Thread::start(process, [&](Thread&) {
          while (!done) Scheduler::sleep_until(machine::monotonic_ns() + 1'000'000);
        }));
        const std::uint64_t begin = preemptions();
        const Sums never = run(1'000'000'000'000);
        const std::uint64_t after_never = preemptions();
        const Sums slow = run(10'000'000);
        const std::uint64_t after_slow = preemptions();
        const Sums fast = run(kFast);
        const std::uint64_t after_fast = preemptions();
        done = true;
        process->wait();
        EXPECT_EQ(never, slow);
        EXPECT_EQ(never, fast);
        EXPECT_LT(after_never - begin, after_fast - after_slow);
      },
      kCpus);
}

}  // namespace
}  // namespace nebulet::kernel
