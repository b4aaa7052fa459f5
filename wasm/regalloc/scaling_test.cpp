// SPDX-License-Identifier: MIT
// Time grows with the function, not with its square: each shape is allocated at two sizes.
#include <gtest/gtest.h>

#include <ctime>

#include "wasm/regalloc/check.h"
#include "wasm/regalloc/test_support.h"

namespace nebulet::wasm::regalloc {
namespace {

using namespace test;

constexpr std::uint32_t kChecked = 60;
/// What others do to the processor's caches passes; quadratic time does not, it is the same in each attempt.
constexpr int kAttempts = 6;

double seconds(const std::function<void(Builder&, std::uint32_t)>& build, std::uint32_t size) {
  double best = 1e9;
  for (int round = 0; round < (size <= kChecked ? 1 : 2); ++round) {
    Arena arena;
    Builder builder(arena);
    build(builder, size);
    mir::Function& function = builder.finish();
    const std::clock_t start = std::clock();  // processor time: the machine may be busy
    const Result result = allocate(function, kRegisters, arena);
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    if (size <= kChecked) EXPECT_EQ(check(function, result, &kRegisters), "");
  }
  return best;
}

/// Eight times the size may cost at most 20 times the time.
void expect_linear(const std::function<void(Builder&, std::uint32_t)>& build, std::uint32_t size) {
  seconds(build, kChecked);
  double small = 0, large = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    small = seconds(build, size / 8), large = seconds(build, size);
    if (large < 24 * std::max(small, 0.01)) break;
  }
  EXPECT_LT(large, 24 * std::max(small, 0.01)) << small << " s and " << large << " s";
}

TEST(Scaling, StraightLine) {
  expect_linear(
      [](Builder& b, std::uint32_t n) {
        const auto entry = b.block();
        std::vector<V> values = {b.value(), b.value()};
        b.arguments(entry, values);
        std::mt19937 random(1);
        while (values.size() < n) {
          const V x = values[random() % values.size()], y = values[values.size() - 1 - random() % 2];
          values.push_back(b.lea(entry, x, y));
        }
        b.ret(entry, values.back());
      },
      100'000);
}

TEST(Scaling, ManyBlocksWithManyLiveValues) {
  expect_linear(
      [](Builder& b, std::uint32_t n) {
        std::uint32_t at = b.block();
        std::vector<V> values = {b.value()};
        b.arguments(at, values);
        for (int i = 0; i < 200; ++i) values.push_back(b.lea(at, values.back(), values[0]));
        for (std::uint32_t i = 0; i < n; ++i) {
          const auto yes = b.block(), no = b.block(), join = b.block();
          b.branch(at, values[i % 201], values[(i * 7) % 201], yes, no);
          b.jump(yes, join);
          b.jump(no, join);
          at = join;
        }
        for (const V v : values) b.inst(at, {use(v)});
        b.ret(at, values[0]);
      },
      4'000);
}

TEST(Scaling, LongChainOfDiamondsWithCalls) {
  expect_linear(
      [](Builder& b, std::uint32_t n) {
        std::uint32_t at = b.block();
        V x = b.value();
        const V keep = b.value();
        b.arguments(at, {x, keep});
        for (std::uint32_t i = 0; i < n; ++i) {
          const auto yes = b.block(kNoBlock, 0, i % 3 == 0), no = b.block(), join = b.block();
          const V merged = b.value();
          b.branch(at, x, keep, yes, no);
          const V called = b.call(yes, {x});
          b.jump(yes, join, {called});
          b.jump(no, join, {keep});
          b.blocks[join].params = {merged};
          at = join;
          x = merged;
        }
        b.ret(at, x);
      },
      10'000);
}

TEST(Scaling, DeepLoopNest) {
  expect_linear(
      [](Builder& b, std::uint32_t n) {
        std::uint32_t at = b.block();
        const V x = b.value(), y = b.value();
        b.arguments(at, {x, y});
        std::vector<std::uint32_t> headers;
        std::vector<V> counters;
        for (std::uint32_t i = 0; i < n; ++i) {
          const auto header = b.loop_block(i + 1);
          counters.push_back(b.value());
          b.jump(at, header, {counters.size() > 1 ? counters[counters.size() - 2] : x});
          b.blocks[header].params = {counters.back()};
          headers.push_back(header);
          at = header;
        }
        for (std::uint32_t i = n; i-- > 0;) {
          const V next = b.add(at, counters[i], y);
          const auto back = b.block(headers[i], i + 1);
          const auto out = i ? b.block(headers[i - 1], i) : b.block();
          b.branch(at, next, x, back, out);
          b.jump(back, headers[i], {next});
          at = out;
        }
        b.ret(at, x);
      },
      2'500);
}

TEST(Scaling, WideTable) {
  expect_linear(
      [](Builder& b, std::uint32_t n) {
        const auto entry = b.block(), join = b.block();
        const V x = b.value(), y = b.value(), result = b.value();
        b.arguments(entry, {x, y});
        b.inst(entry, {use(x), early(b.value())}, mir::kTerminator);
        b.blocks[join].params = {result};
        for (std::uint32_t i = 0; i < n; ++i) {
          const auto arm = b.block();
          b.blocks[entry].succs.push_back({arm, {}});
          b.jump(arm, join, {b.lea(arm, x, y)});
        }
        b.ret(join, result);
      },
      20'000);
}

/// Prints the speed on functions of the usual sizes.
TEST(Scaling, Speed) {
  double time = 0;
  std::uint64_t insts = 0, edits = 0;
  Arena memory;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Arena arena;
    Builder builder(arena);
    RandomFunction(
        builder, seed,
        {.size = 400, .depth = 4, .arguments = 6, .reach = 10, .calls = 3, .fixed = 3, .vectors = 15})
        .build();
    mir::Function& function = builder.finish();
    const std::clock_t start = std::clock();  // processor time: the machine may be busy
    const Result result = allocate(function, kRegisters, memory);
    time += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    insts += function.insts.size();
    edits += result.edits.size();
    memory.reset();
  }
  std::printf("%llu instructions, %llu edits: %.2f million instructions/s\n",
              static_cast<unsigned long long>(insts), static_cast<unsigned long long>(edits),
              static_cast<double>(insts) / time / 1e6);
}

}  // namespace
}  // namespace nebulet::wasm::regalloc
