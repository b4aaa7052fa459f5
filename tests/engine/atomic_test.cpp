// SPDX-License-Identifier: MIT
// Shared memories: several threads run instances over one memory. And what one thread sees of atomic
// instructions.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "tests/engine/wasm_bytes.h"

namespace nebulet::test {
namespace {

using wasm::Outcome;
using wasm::Trap;
using wasm::Value;
namespace ir = wasm::ir;

// Addresses: 0 counter, 8 sum, 16 bits, 24 lock, 32 guarded, 40 flag, 48 message, 64 turn.
constexpr const char* kProgram = R"((module
  (import "m" "memory" (memory 1 4 shared))
  (func (param $n i32) (result i64) (local $seen i64)
    (loop $l
      (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
      (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const 3)))
      (local.set $seen (i64.add (local.get $seen) (i64.atomic.rmw16.add_u (i32.const 4) (i64.const 1))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $seen))
  (func (param $n i32) (param $mask i64) (result i64) (local $wrong i64)
    (loop $l
      (local.set $wrong (i64.or (local.get $wrong)
        (i64.and (i64.atomic.rmw.or (i32.const 16) (local.get $mask)) (local.get $mask))))
      (local.set $wrong (i64.or (local.get $wrong)
        (i64.xor (i64.and (i64.atomic.rmw.xor (i32.const 16) (local.get $mask)) (local.get $mask)) (local.get $mask))))
      (drop (i64.atomic.rmw.and (i32.const 16) (i64.xor (local.get $mask) (i64.const -1))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $wrong))
  (func (param $n i32) (param i64) (result i64)
    (loop $l
      (loop $taken (br_if $taken (i32.atomic.rmw.cmpxchg (i32.const 24) (i32.const 0) (i32.const 1))))
      (i64.store (i32.const 32) (i64.add (i64.load (i32.const 32)) (i64.const 1)))
      (drop (i32.atomic.rmw.xchg (i32.const 24) (i32.const 0)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.const 0))
  (func (param $n i32) (param $producer i64) (result i64) (local $wrong i64)
    (loop $l
      (if (i64.eqz (local.get $producer))
        (then
          (loop $empty (br_if $empty (i32.ne (i32.atomic.load (i32.const 40)) (local.get $n))))
          (if (i64.ne (i64.load (i32.const 48)) (i64.extend_i32_u (local.get $n))) (then (local.set $wrong (i64.const 1))))
          (i32.atomic.store (i32.const 40) (i32.const 0)))
        (else
          (loop $full (br_if $full (i32.atomic.load (i32.const 40))))
          (i64.store (i32.const 48) (i64.extend_i32_u (local.get $n)))
          (i32.atomic.store (i32.const 40) (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $wrong))
  (func (param $n i32) (param $me i64) (result i64) (local $bad i64)
    (loop $l
      (block $mine
        (loop $wait
          (br_if $mine (i32.eq (i32.atomic.load (i32.const 64)) (i32.wrap_i64 (local.get $me))))
          (local.set $bad (i64.or (local.get $bad) (i64.extend_i32_u (i32.eq (i32.const 2)
            (memory.atomic.wait32 (i32.const 64) (i32.sub (i32.const 1) (i32.wrap_i64 (local.get $me))) (i64.const 20000000000))))))
          (br $wait)))
      (i32.atomic.store (i32.const 64) (i32.sub (i32.const 1) (i32.wrap_i64 (local.get $me))))
      (drop (memory.atomic.notify (i32.const 64) (i32.const 1)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $bad))
  (func (param $n i32) (param $grows i64) (result i64)
    (if (i64.ne (local.get $grows) (i64.const 0)) (then (return (i64.extend_i32_u (memory.grow (i32.const 1))))))
    (loop $small (br_if $small (i32.lt_u (memory.size) (local.get $n))))
    (i64.atomic.load offset=65536 (i32.const 0)))
))";

std::vector<std::byte> assemble(const std::string& text) {
  char path[] = P_tmpdir "/atomic-XXXXXX";
  const int fd = mkstemp(path);
  std::FILE* out = fdopen(fd, "w");
  std::fputs(text.c_str(), out);
  std::fclose(out);
  std::FILE* pipe = popen((std::string("wat2wasm --enable-threads --output=- ") + path).c_str(), "r");
  std::vector<std::byte> bytes;
  std::byte chunk[4096];
  for (std::size_t n; (n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;)
    bytes.insert(bytes.end(), chunk, chunk + n);
  pclose(pipe);
  std::remove(path);
  return bytes;
}

class SharedMemory : public testing::Test {
 protected:
  static constexpr unsigned kThreads = 4;
  enum Function : std::uint32_t { counts, flips, locks, passes, plays, grows };

  void SetUp() override {
    catch_faults();
    auto memory = engine.store.host_memory({.limits = {.min = 1, .max = 4, .has_max = true, .shared = true}});
    ASSERT_TRUE(memory);
    shared = *memory;
    code = engine.compile(assemble(kProgram));
    for (auto& instance : instances) {
      instance = engine.instantiate(code, {shared});
      ASSERT_NE(instance, nullptr);
    }
  }
  /// Runs `function` in each of `threads` threads with its own instance and stack.
  std::array<std::uint64_t, kThreads> run(Function function, unsigned threads, std::uint32_t n,
                                          const std::function<std::uint64_t(unsigned)>& second) {
    std::array<std::uint64_t, kThreads> results{};
    std::vector<std::thread> running;
    std::atomic<unsigned> ready = 0;
    for (unsigned t = 0; t < threads; ++t)
      running.emplace_back([&, t] {
        catch_faults();
        const auto stack = wasm::WasmStack::create(engine.host, nullptr);
        const std::array args{Value{.low = n}, Value{.low = second(t)}};
        Value result;
        ++ready;
        while (ready != threads) std::this_thread::yield();
        const std::size_t count = function == counts ? 1 : 2;
        const Outcome outcome = wasm::invoke(*stack, instances[t]->function(function),
                                             std::span(args).first(count), std::span(&result, 1));
        EXPECT_EQ(outcome.kind, Outcome::Kind::returned) << ir::trap_text(outcome.trap);
        results[t] = result.low;
      });
    for (std::thread& thread : running) thread.join();
    return results;
  }
  std::uint64_t word(std::uint64_t at) {
    std::uint64_t value = 0;
    EXPECT_EQ(shared.memory->read(at, std::as_writable_bytes(std::span(&value, 1))), wasm::GuestResult::ok);
    return value;
  }

  Engine engine;
  wasm::Extern shared;
  wasm::ModuleCodeRef code;
  std::array<wasm::Instance*, kThreads> instances{};
};

TEST_F(SharedMemory, CountersLoseNothing) {
  constexpr std::uint32_t kRounds = 20'000;
  run(counts, kThreads, kRounds, [](unsigned) { return 0; });
  EXPECT_EQ(word(0) & 0xffffffff, kThreads * kRounds);
  EXPECT_EQ(word(4) & 0xffff, (kThreads * kRounds) & 0xffff);
  EXPECT_EQ(word(8), 0 - std::uint64_t{3} * kThreads * kRounds);
}

TEST_F(SharedMemory, BitsOfOneThreadAreItsOwn) {
  for (const std::uint64_t wrong :
       run(flips, kThreads, 20'000, [](unsigned t) { return 0x0101010101010101ull << t; }))
    EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(word(16), 0u);
}

TEST_F(SharedMemory, ASpinLockExcludes) {
  run(locks, 2, 5'000, [](unsigned) { return 0; });
  EXPECT_EQ(word(32), 2 * 5'000u);
}

TEST_F(SharedMemory, AMessageIsThereWhenItsFlagIs) {
  for (const std::uint64_t wrong : run(passes, 2, 200, [](unsigned t) { return t; })) EXPECT_EQ(wrong, 0u);
}

TEST_F(SharedMemory, WaitersAreNotified) {
  for (const std::uint64_t timed_out : run(plays, 2, 2'000, [](unsigned t) { return t; }))
    EXPECT_EQ(timed_out, 0u);
}

TEST_F(SharedMemory, GrowthIsSeenByAll) {
  run(grows, 3, 2, [](unsigned t) { return t == 0; });
  EXPECT_EQ(shared.memory->pages(), 2u);
}

TEST_F(SharedMemory, QuotaIsChargedOnce) {
  const std::uint64_t before = engine.host.charged();
  run(counts, kThreads, 100, [](unsigned) { return 0; });
  // One part of the memory, and four stacks that are gone.
  EXPECT_LE(engine.host.charged(), before + wasm::kWasmPage);
}

TEST(Atomics, OneThreadSeesThemInOrder) {
  catch_faults();
  Engine engine;
  const auto bytes = assemble(R"((module (memory 1 1 shared)
    (func (param i32) (result i32) (memory.atomic.wait32 (i32.const 8) (local.get 0) (i64.const 1000000)))
    (func (param i32) (result i32) (memory.atomic.wait64 (i32.const 8) (i64.extend_i32_u (local.get 0)) (i64.const 0)))
    (func (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 9)))
    (func (param i32) (result i32) (memory.atomic.wait32 offset=65536 (local.get 0) (i32.const 0) (i64.const 0)))
    (func (param i32) (result i32) (i32.atomic.rmw8.sub_u offset=3 (i32.const 0) (local.get 0)))
    (func (param i32) (result i32) (i32.atomic.rmw16.cmpxchg_u (i32.const 2) (local.get 0) (i32.const 0x12345)))
    (func (param i32) (result i32) (i32.atomic.load (local.get 0)))
    (func (param i32) (result i32) (i32.atomic.load offset=2 (local.get 0)))
    (func (param i32) (result i32) (atomic.fence) (i32.atomic.rmw16.and_u (local.get 0) (i32.const 0xf0f0)))))");
  wasm::Instance* one = engine.instantiate(engine.compile(bytes));
  ASSERT_NE(one, nullptr);
  auto result = [&](std::uint32_t function, std::uint32_t argument) -> std::uint64_t {
    Value value;
    const Outcome outcome = engine.call(*one, function, {{.low = argument}}, std::span(&value, 1));
    return outcome.kind == Outcome::Kind::returned ? value.low
                                                   : 0x100000000 + static_cast<std::uint64_t>(outcome.trap);
  };
  auto trap = [](Trap kind) { return 0x100000000 + static_cast<std::uint64_t>(kind); };
  EXPECT_EQ(result(0, 5), 1u);
  EXPECT_EQ(result(0, 0), 2u);
  EXPECT_EQ(result(1, 5), 1u);
  EXPECT_EQ(result(1, 0), 2u);
  EXPECT_EQ(result(2, 8), 0u);
  EXPECT_EQ(result(2, 9), trap(Trap::unaligned_atomic));
  EXPECT_EQ(result(2, 65536), trap(Trap::memory_out_of_bounds));
  EXPECT_EQ(result(3, 0), trap(Trap::memory_out_of_bounds));
  EXPECT_EQ(result(4, 1), 0u);
  EXPECT_EQ(result(6, 0), 0xff000000u);
  EXPECT_EQ(result(5, 0x1ff00), 0xff00u);  // the expected value is cut to 16 bits
  EXPECT_EQ(result(6, 0), 0x23450000u);
  EXPECT_EQ(result(5, 0), 0x2345u);
  EXPECT_EQ(result(6, 2), trap(Trap::unaligned_atomic));
  EXPECT_EQ(result(7, 0), trap(Trap::unaligned_atomic));
  EXPECT_EQ(result(7, 2), 0u);
  EXPECT_EQ(result(6, 65536), trap(Trap::memory_out_of_bounds));
  EXPECT_EQ(result(8, 2), 0x2345u);
  EXPECT_EQ(result(6, 0), 0x20400000u);
}

TEST(Atomics, WaitingNeedsASharedMemory) {
  catch_faults();
  Engine engine;
  const auto bytes = assemble(R"((module (memory 1)
    (func (result i32) (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1)))
    (func (result i32) (memory.atomic.notify (i32.const 8) (i32.const 1)))))");
  wasm::Instance* one = engine.instantiate(engine.compile(bytes));
  ASSERT_NE(one, nullptr);
  Value value;
  EXPECT_EQ(engine.call(*one, 0, {}, std::span(&value, 1)).trap, Trap::expected_shared_memory);
  EXPECT_EQ(engine.call(*one, 1, {}, std::span(&value, 1)).kind, Outcome::Kind::returned);
  EXPECT_EQ(value.low, 0u);
}

}  // namespace
}  // namespace nebulet::test
