// SPDX-License-Identifier: MIT
// Compiling takes time and memory in proportion to the input, whatever the input: each family is compiled at
// several sizes. Prints a table. Memory is exact; time is the processor's, the least of several runs.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "tests/bounds/bombs.h"
#include "tests/bounds/heap.h"
#include "wasm/compile.h"

namespace nebulet::bounds {
namespace {

constexpr double kMaxBytesPerByte = 64;
/// The 16 MiB of compile_memory, and what its estimate misses in small functions.
constexpr std::size_t kConstant = 24 << 20;
constexpr double kMaxGrowth = 2.5;

struct Cost {
  std::size_t input = 0, heap = 0, code = 0;
  double seconds = 1e9;
  std::string error;
};

Cost compile(const Bytes& bytes, int rounds) {
  Cost cost;
  cost.input = bytes.size();
  for (int round = 0; round < rounds; ++round) {
    const std::size_t before = heap_bytes();
    reset_peak();
    const std::clock_t start = std::clock();
    {
      auto module = wasm::decode_module(bytes);
      if (!module) {
        cost.error = module.error().message;
      } else {
        auto code = wasm::compile_module(*module);
        if (code)
          cost.code = (*code)->text.size() + (*code)->rodata.size();
        else
          cost.error = code.error().message;
      }
    }
    cost.seconds = std::min(cost.seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    cost.heap = std::max(cost.heap, peak_heap_bytes() - before);
    EXPECT_LE(heap_bytes(), before + 4096) << "not given back";
  }
  return cost;
}

void expect_bounded(const Cost& cost) {
  EXPECT_LE(cost.heap,
            static_cast<std::size_t>(kMaxBytesPerByte * static_cast<double>(cost.input)) + kConstant)
      << cost.input << " bytes of input";
}

class Bounds : public testing::TestWithParam<Family> {};

TEST_P(Bounds, MemoryIsProportionalToTheInput) {
  // Where functions are compiled as a whole, where some are not, and where they are too large for that.
  for (const std::uint32_t size : {30'000u, 120'000u, 240'000u, 500'000u})
    expect_bounded(compile(GetParam().make(size), 1));
  if (std::getenv("NB_BOUNDS_FULL")) {
    const Cost cost = compile(GetParam().make(7'600'000), 1);
    expect_bounded(cost);
    std::printf("%-26s %9zu bytes %8.1f ms %30s heap %7.1f MiB = %6.1f x\n",
                std::string(GetParam().name).c_str(), cost.input, cost.seconds * 1e3, "",
                static_cast<double>(cost.heap) / (1 << 20),
                static_cast<double>(cost.heap) / static_cast<double>(cost.input));
  }
}

TEST_P(Bounds, TimeIsLinear) {
  const Family& family = GetParam();
  const std::uint32_t size = 800'000;
  // Over two doublings, and from 50 ms on, since caches and page faults decide below. The least time of
  // several runs is what the machine's noise leaves; a ratio above the limit is measured again.
  Cost small, large;
  double growth = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    small = compile(family.make(size), 2);
    large = compile(family.make(4 * size), 2);
    const double inputs = static_cast<double>(large.input) / static_cast<double>(small.input);
    growth = 2 * std::sqrt(large.seconds / std::max(small.seconds, 0.05) / inputs);
    if (growth <= kMaxGrowth) break;
  }
  const double per_byte = static_cast<double>(large.heap) / static_cast<double>(large.input);
  std::printf(
      "%-26s %9zu bytes %8.1f ms %6.2f MB/s  t(2n)/t(n) %4.2f  heap %7.1f MiB = %6.1f x  code %5.1f x  %s\n",
      std::string(family.name).c_str(), large.input, large.seconds * 1e3,
      static_cast<double>(large.input) / large.seconds / 1e6, growth,
      static_cast<double>(large.heap) / (1 << 20), per_byte,
      static_cast<double>(large.code) / static_cast<double>(large.input), large.error.c_str());
  expect_bounded(large);
  EXPECT_LE(growth, kMaxGrowth);
}

INSTANTIATE_TEST_SUITE_P(Families, Bounds, testing::ValuesIn(families().begin(), families().end()),
                         [](const testing::TestParamInfo<Family>& info) {
                           std::string name;
                           for (const char c : info.param.name)
                             if (std::isalnum(static_cast<unsigned char>(c))) name += c;
                           return name;
                         });

/// Ends the work when it has been asked `left` times; knows the longest time without being asked.
struct Canceller {
  unsigned left;
  unsigned asked = 0;
  std::clock_t last = std::clock(), longest = 0;
  static wasm::Result<> ask(void* state) {
    auto& self = *static_cast<Canceller*>(state);
    const std::clock_t now = std::clock();
    self.longest = std::max(self.longest, now - self.last);
    self.last = now;
    ++self.asked;
    if (self.left-- != 0) return {};
    return std::unexpected(wasm::Error{wasm::Error::Kind::cancelled, 0, "killed"});
  }
};

/// Kills the compilation at many points, from the first to the last.
void expect_cancellable(const Bytes& bytes) {
  const auto module = wasm::decode_module(bytes);
  ASSERT_TRUE(module);
  Canceller patient{.left = ~0u};
  ASSERT_TRUE(wasm::compile_module(*module, nullptr, {.pause = {Canceller::ask, &patient}}));
  ASSERT_GE(patient.asked, 4u);
  std::printf("asked %u times, at the longest after %.1f ms\n", patient.asked,
              static_cast<double>(patient.longest) * 1e3 / CLOCKS_PER_SEC);
  const std::size_t before = heap_bytes();
  for (unsigned left = 0; left < patient.asked; left += patient.asked / 8 + 1) {
    Canceller canceller{.left = left};
    {
      const auto code = wasm::compile_module(*module, nullptr, {.pause = {Canceller::ask, &canceller}});
      ASSERT_FALSE(code);
      EXPECT_EQ(code.error().kind, wasm::Error::Kind::cancelled);
    }
    EXPECT_LE(heap_bytes(), before + 256) << "not given back, killed at " << left << " of " << patient.asked;
    EXPECT_EQ(canceller.asked, left + 1) << "work went on";
  }
  // The last time is in the verifier.
  Canceller canceller{.left = patient.asked - 1};
  const auto code = wasm::compile_module(*module, nullptr, {.pause = {Canceller::ask, &canceller}});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, wasm::Error::Kind::cancelled);
}
const Family& family_named(std::string_view name) {
  for (const Family& family : families())
    if (family.name == name) return family;
  std::abort();
}

TEST(Cancel, GiantFunctionInSegments) { expect_cancellable(family_named("memory accesses").make(2'000'000)); }
TEST(Cancel, LongFunctionAsAWhole) { expect_cancellable(family_named("dispatch loop").make(100'000)); }
TEST(Cancel, ManyFunctions) { expect_cancellable(family_named("medium functions").make(500'000)); }

}  // namespace
}  // namespace nebulet::bounds
