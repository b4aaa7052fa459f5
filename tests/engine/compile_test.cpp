// SPDX-License-Identifier: MIT
// Compilation by several threads: the code does not depend on how many there are, and neither does the error.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/engine/wasm_bytes.h"

namespace nebulet::test {
namespace {

constexpr std::uint32_t kFunctions = 6000;

/// A function for each of kFunctions, which returns what the next one returns, plus one, after a jump table,
/// a constant in memory and a division; the last one returns 0. `bad` ones leave nothing on the stack.
std::vector<std::byte> chain(std::vector<std::uint32_t> bad = {}) {
  std::vector<Bytes> types = {Bytes{0x60, 1, 0x7f, 1, 0x7f}}, indices, bodies;
  for (std::uint32_t i = 0; i < kFunctions; ++i) {
    indices.push_back(Bytes{0});
    Bytes body{0};
    // A switch over the argument, with too many runs of cases for comparisons.
    body.add(
        {0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 8, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0x0b, 0x20, 0, 0x1a, 0x0b});
    // i32.trunc_sat_f64_s(i + 0.5) and x / (x | 1), dropped
    body.add({0x44, 0, 0, 0, 0, 0, 0, static_cast<int>(i & 0xff), 0x3f, 0xfc, 2, 0x1a});
    body.add({0x20, 0, 0x20, 0, 0x41, 1, 0x72, 0x6e, 0x1a});
    for (int n = 0; n < 12; ++n) body.add({0x20, 0, 0x41, n, 0x6a, 0x21, 0});
    if (std::ranges::find(bad, i) != bad.end()) {
      body.add({0x0b});
    } else if (i + 1 == kFunctions) {
      body.add({0x41, 0, 0x0b});
    } else {
      body.add({0x20, 0, 0x10}).u(i + 1).add({0x41, 1, 0x6a, 0x0b});
    }
    bodies.push_back(Bytes().sized(body));
  }
  return module_header()
      .section(1, Bytes().vector(types))
      .section(3, Bytes().vector(indices))
      .section(7, Bytes{1}.name("first").add({0, 0}))
      .section(10, Bytes().vector(bodies))
      .get();
}

struct Threads {
  unsigned count;
  std::atomic<unsigned> calls = 0;
  static void run(void* self, void (*work)(void*), void* argument) {
    auto* threads = static_cast<Threads*>(self);
    std::vector<std::thread> helpers;
    for (unsigned i = 0; i < threads->count; ++i)
      helpers.emplace_back([=] {
        ++threads->calls;
        work(argument);
      });
    for (std::thread& helper : helpers) helper.join();
  }
  wasm::CompileHook hook() { return {.workers = {.run = run, .state = this}}; }
};

TEST(Compile, MakesTheSameCodeWithSeveralThreads) {
  const auto bytes = chain();
  const auto module = wasm::decode_module(bytes);
  ASSERT_TRUE(module);
  const auto alone = wasm::compile_module(*module);
  ASSERT_TRUE(alone) << alone.error().message;
  Threads threads{3};
  const auto together = wasm::compile_module(*module, nullptr, threads.hook());
  ASSERT_TRUE(together) << together.error().message;
  EXPECT_EQ(threads.calls, 3u);
  EXPECT_EQ((*alone)->text, (*together)->text);
  EXPECT_EQ((*alone)->rodata, (*together)->rodata);
  EXPECT_EQ((*alone)->functions.size(), kFunctions);
  EXPECT_EQ((*alone)->jump_tables.size(), kFunctions);
}

TEST(Compile, LinksPartsWithEachOther) {
  catch_faults();
  Engine engine;
  wasm::Instance* instance = engine.instantiate(engine.compile(chain()));
  ASSERT_NE(instance, nullptr);
  wasm::Value result[1];
  ASSERT_EQ(engine.call(*instance, 0, {wasm::Value{.low = 7}}, result).kind, wasm::Outcome::Kind::returned);
  EXPECT_EQ(result[0].low, kFunctions - 1);
}

TEST(Compile, ReportsTheFirstError) {
  const auto bytes = chain({5990, 4321, 17});
  const auto module = wasm::decode_module(bytes);
  ASSERT_TRUE(module);
  const auto alone = wasm::compile_module(*module);
  ASSERT_FALSE(alone);
  EXPECT_GE(alone.error().offset, module->functions[17].body_begin);
  EXPECT_LE(alone.error().offset, module->functions[17].body_end);
  for (int i = 0; i < 20; ++i) {
    Threads threads{3};
    const auto together = wasm::compile_module(*module, nullptr, threads.hook());
    ASSERT_FALSE(together);
    EXPECT_EQ(together.error().offset, alone.error().offset);
    EXPECT_EQ(together.error().message, alone.error().message);
  }
}

}  // namespace
}  // namespace nebulet::test
