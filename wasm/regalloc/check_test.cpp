// SPDX-License-Identifier: MIT
// The checker must see a wrong allocation: correct ones are damaged here in many ways.
#include "wasm/regalloc/check.h"

#include <gtest/gtest.h>

#include "wasm/regalloc/print.h"
#include "wasm/regalloc/test_support.h"

namespace nebulet::wasm::regalloc {
namespace {

using test::Builder;
using test::kRegisters;
using test::V;

TEST(Checker, RefusesAUseOfTheWrongRegister) {
  Arena arena;
  Builder b(arena);
  const auto entry = b.block();
  const V x = b.value(), y = b.value();
  b.arguments(entry, {x, y});
  const V z = b.lea(entry, x, y);
  b.ret(entry, z);
  mir::Function& f = b.finish();
  Result result = allocate(f, kRegisters, arena);
  ASSERT_EQ(check(f, result, &kRegisters), "");
  Result wrong = result;
  wrong.operands[2] = wrong.operands[3];
  EXPECT_NE(check(f, wrong), "");
}

TEST(Checker, RefusesALostStore) {
  Arena arena;
  Builder b(arena);
  const auto entry = b.block();
  const V x = b.value();
  b.arguments(entry, {x});
  b.call(entry, {});
  b.ret(entry, x);
  mir::Function& f = b.finish();
  Result result = allocate(f, kRegisters, arena);
  ASSERT_EQ(check(f, result, &kRegisters), "");
  ASSERT_EQ(result.edits.size(), 2u) << print(f, &result);
  Result wrong(arena);
  wrong = result;
  wrong.edits[0].width = 4;
  EXPECT_NE(check(f, wrong), "");
  wrong = result;
  wrong.edits.clear();
  wrong.edits.push_back(result.edits[1]);
  EXPECT_NE(check(f, wrong), "");
}

TEST(Checker, RefusesARangeOfSpillSlotsThatIsTooSmall) {
  Arena arena;
  Builder b(arena);
  const auto entry = b.block();
  const V x = b.vec(16);
  b.arguments(entry, {x});
  b.call(entry, {});
  b.ret(entry, x);
  mir::Function& f = b.finish();
  Result result = allocate(f, kRegisters, arena);
  ASSERT_EQ(check(f, result, &kRegisters), "");
  result.spill_bytes = 8;
  EXPECT_NE(check(f, result), "");
}

/// Every edit that is taken away and every operand that is moved must be noticed, unless the value is
/// elsewhere too.
TEST(Checker, NoticesMostRandomDamage) {
  std::uint32_t damaged = 0, noticed = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Arena arena;
    Builder builder(arena);
    test::RandomFunction(builder, seed, {.size = 40, .reach = 30}).build();
    mir::Function& function = builder.finish();
    const Result result = allocate(function, kRegisters, arena);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 10; ++round) {
      Result wrong(arena);
      wrong.operands.append(result.operands.span());
      wrong.dead.append(result.dead.span());
      wrong.entry_gprs.append(result.entry_gprs.span());
      wrong.spill_bytes = result.spill_bytes;
      const bool drop = !result.edits.empty() && round % 2;
      const std::uint32_t victim =
          drop ? static_cast<std::uint32_t>(random() % result.edits.size()) : 0xffffffff;
      for (std::uint32_t e = 0; e < result.edits.size(); ++e)
        if (e != victim) wrong.edits.push_back(result.edits[e]);
      if (!drop) {
        const std::uint32_t o = static_cast<std::uint32_t>(random() % result.operands.size());
        if (!result.operands[o].is_reg()) continue;
        wrong.operands[o].value ^= 1 + random() % 14;
      }
      ++damaged;
      noticed += !check(function, wrong, &kRegisters).empty();
    }
  }
  EXPECT_GT(damaged, 400u);
  EXPECT_GT(noticed * 100, damaged * 80) << noticed << " of " << damaged;
}

}  // namespace
}  // namespace nebulet::wasm::regalloc
