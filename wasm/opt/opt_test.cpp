// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "wasm/opt/fold.h"
#include "wasm/opt/optimize.h"
#include "wasm/opt/pass_test.h"

namespace nebulet::wasm::opt {
namespace {

TEST(Simplify, FoldsConstants) {
  simplified(R"(b0:
  v0 = iconst.i32 #7
  v1 = iconst.i32 #5
  v2 = mul.i32 v0, v1
  return_(v2)
)",
             R"(b0:
  v0 = iconst.i32 #35
  return_(v0)
)");
}

TEST(Simplify, KeepsATrappingDivisionOfConstants) {
  constexpr auto kText = R"(b0:
  v0 = iconst.i32 #7
  v1 = iconst.i32 #0
  v2 = div_s.i32 v0, v1
  return_(v0)
)";
  simplified(kText, kText);
}

TEST(Simplify, SumsThatCancelVanish) {
  simplified(R"(b0(v0.i32):
  v1 = iconst.i32 #160
  v2 = sub.i32 v0, v1
  v3 = add.i32 v2, v1
  return_(v3)
)",
             R"(b0(v0.i32):
  return_(v0)
)");
}
TEST(Simplify, MergesEqualValuesBelowTheirDominator) {
  simplified(R"(b0(v0.i32, v1.i32):
  v2 = add.i32 v0, v1
  br_if v0 b1 b2
b1:
  v3 = add.i32 v0, v1
  return_(v3)
b2:
  return_(v2)
)",
             R"(b0(v0.i32, v1.i32):
  v2 = add.i32 v0, v1
  br_if v0 b2 b1
b1:
  return_(v2)
b2:
  return_(v2)
)");
}

TEST(Simplify, DoesNotMergeAcrossSiblings) {
  constexpr auto kText = R"(b0(v0.i32, v1.i32):
  br_if v0 b2 b1
b1:
  v2 = add.i32 v0, v1
  return_(v2)
b2:
  v3 = add.i32 v0, v1
  return_(v3)
)";
  simplified(kText, kText);
}

// Behind its increment the old counter is no longer needed, so the loop has nothing to move.
TEST(Simplify, ALoopComparesItsCounterBehindTheIncrement) {
  constexpr auto kText = R"(b0:
  v0 = iconst.i32 #0
  br b1(v0)
b1(v1.i32):
  v2 = iconst.i32 #1
  v3 = add.i32 v1, v2
  v4 = iconst.i32 #10
  v5 = ne.i32 v3, v4
  br_if v5 b1(v3) b2
b2:
  return_(v3)
)";
  simplified(kText, kText);
}

// Exchanging two edges leaves everything that is known of the graph as it was, so it is not computed again.
TEST(Simplify, ANegatedBranchKeepsThePredecessors) {
  Arena arena;
  ir::Function f(arena);
  ASSERT_TRUE(ir::parse(R"(b0(v0.i32):
  v1 = eqz.i32 v0
  br_if v1 b1(v0) b2
b1(v2.i32):
  return_(v2)
b2:
  br b1(v1)
)",
                        f)
                  .has_value());
  ir::compute_cfg(f);
  EXPECT_FALSE(simplify(f));
  EXPECT_EQ(ir::verify(f), "") << ir::print(f);
  for (std::uint32_t b = 0; b < f.blocks.size(); ++b)
    for (std::uint32_t edge : f.pool.slice(f.blocks[b].preds, f.blocks[b].pred_count))
      EXPECT_EQ(f.edges[edge].to.index, b) << ir::print(f);
}

TEST(Simplify, InvertsANegatedCompareAndBranchesOnIt) {
  simplified(R"(b0(v0.i32, v1.i32):
  v2 = lt_s.i32 v0, v1
  v3 = eqz.i32 v2
  v4 = eqz.i32 v3
  v5 = eqz.i32 v0
  v6 = add.i32 v3, v4
  br_if v5 b1 b2
b1:
  return_(v6)
b2:
  trap "unreachable"
)",
             R"(b0(v0.i32, v1.i32):
  v2 = lt_s.i32 v0, v1
  v3 = ge_s.i32 v0, v1
  v6 = add.i32 v3, v2
  br_if v0 b2 b1
b1:
  return_(v6)
b2:
  trap "unreachable"
)");
}

TEST(Simplify, TurnsPowersOfTwoIntoShiftsAndMasks) {
  simplified(R"(b0(v0.i64):
  v1 = iconst.i64 #8
  v2 = mul.i64 v0, v1
  v3 = div_u.i64 v2, v1
  v4 = rem_u.i64 v3, v1
  return_(v4)
)",
             R"(b0(v0.i64):
  v1 = iconst.i64 #3
  v2 = shl.i64 v0, v1
  v3 = shr_u.i64 v2, v1
  v4 = iconst.i64 #7
  v5 = and_.i64 v3, v4
  return_(v5)
)");
}

TEST(Simplify, DropsAMaskThatALoadImplies) {
  simplified(R"(b0(v0.i32):
  v1 = load.i32.u8 v0 #4
  v2 = iconst.i32 #255
  v3 = and_.i32 v1, v2
  return_(v3)
)",
             R"(b0(v0.i32):
  v1 = load.i32.u8 v0 #4
  return_(v1)
)");
}

TEST(Simplify, FoldsBranchesAndDropsWhatTheyLeaveUnreachable) {
  simplified(R"(b0(v0.i32):
  v1 = iconst.i32 #0
  br_if v1 b1 b2(v0)
b1:
  br b2(v1)
b2(v2.i32):
  return_(v2)
)",
             R"(b0(v0.i32):
  br b1(v0)
b1(v1.i32):
  return_(v1)
)");
}

TEST(ForwardState, ReadsAfterWritesTakeTheWrittenValue) {
  forwarded(R"(b0:
  v0 = global_get.i32 #3
  v1 = iconst.i32 #16
  v2 = sub.i32 v0, v1
  global_set.i32 v2 #3
  v3 = global_get.i32 #3
  store.i32 v3, v0
  global_set.i32 v0 #3
  return_()
)",
            R"(b0:
  v0 = global_get.i32 #3
  v1 = iconst.i32 #16
  v2 = sub.i32 v0, v1
  global_set.i32 v2 #3
  store.i32 v2, v0
  global_set.i32 v0 #3
  return_()
)");
}

TEST(ForwardState, AnOverwrittenValueThatNobodySawIsNotWritten) {
  forwarded(R"(b0(v0.i32, v1.i32):
  global_set.i32 v0
  global_set.i32 v1
  return_()
)",
            R"(b0(v0.i32, v1.i32):
  global_set.i32 v1
  return_()
)");
}

TEST(ForwardState, WhatAllPredecessorsKnowIsKnownWhereTheyMeet) {
  forwarded(R"(b0(v0.i32):
  v1 = global_get.i32 #3
  v2 = global_get.i32 #4
  br_if v0 b1 b2
b1:
  global_set.i32 v0 #4
  br b3
b2:
  br b3
b3:
  v3 = global_get.i32 #3
  v4 = global_get.i32 #4
  v5 = add.i32 v3, v4
  v6 = add.i32 v5, v2
  return_(v6)
)",
            R"(b0(v0.i32):
  v1 = global_get.i32 #3
  v2 = global_get.i32 #4
  br_if v0 b2 b1
b1:
  br b3
b2:
  global_set.i32 v0 #4
  br b3
b3:
  v4 = global_get.i32 #4
  v5 = add.i32 v1, v4
  v6 = add.i32 v5, v2
  return_(v6)
)");
}
TEST(ForwardState, ALoopThatChangesNothingKeepsWhatWasKnown) {
  forwarded(R"(b0(v0.i32):
  v1 = global_get.i32 #3
  br b1
b1:
  v2 = global_get.i32 #3
  br_if v2 b1 b2
b2:
  return_(v2)
)",
            R"(b0(v0.i32):
  v1 = global_get.i32 #3
  br b1
b1:
  br_if v1 b1 b2
b2:
  return_(v1)
)");
}
TEST(ForwardState, ALoopThatWritesForgets) {
  constexpr auto kText = R"(b0(v0.i32):
  v1 = global_get.i32 #3
  br b1
b1:
  v2 = global_get.i32 #3
  br_if v2 b2 b3
b2:
  global_set.i32 v1 #3
  br b1
b3:
  return_(v2)
)";
  forwarded(kText, kText);
}
TEST(ForwardState, ACallForgetsEverything) {
  constexpr auto kText = R"(b0:
  v0 = global_get.i32
  call(v0) #1
  v1 = global_get.i32
  return_(v1)
)";
  forwarded(kText, kText);
}

TEST(Simplify, KnowsNothingOfACallThatThrew) {
  // What was computed before the call is there; the second addition is of what the call returned.
  simplified(R"(b0(v0.i32):
  v1 = add.i32 v0, v0
  v2 = call.i32(v0) #1
  on_throw b1 b2
b1: cold
  v3 = landing.ref
  v4 = add.i32 v0, v0
  return_(v4)
b2:
  v5 = add.i32 v0, v0
  v6 = add.i32 v2, v5
  return_(v6)
)",
             R"(b0(v0.i32):
  v1 = add.i32 v0, v0
  v2 = call.i32(v0) #1
  on_throw b2 b1
b1:
  v6 = add.i32 v2, v1
  return_(v6)
b2: cold
  v3 = landing.ref
  return_(v1)
)");
}
TEST(ForwardState, AHandlerReadsGlobalsAgain) {
  constexpr auto kText = R"(b0(v0.i32):
  global_set.i32 v0 #3
  call(v0) #1
  on_throw b2 b1
b1:
  v1 = global_get.i32 #3
  return_(v1)
b2: cold
  v2 = landing.ref
  v3 = global_get.i32 #3
  return_(v3)
)";
  forwarded(kText, kText);
}
TEST(Verify, AHandlerCannotUseWhatTheCallReturned) {
  Arena arena;
  ir::Function f(arena);
  ASSERT_TRUE(ir::parse(R"(b0(v0.i32):
  v1 = call.i32(v0) #1
  on_throw b1 b2
b1:
  v2 = landing.ref
  return_(v1)
b2:
  return_(v1)
)",
                        f));
  ir::compute_cfg(f);
  EXPECT_NE(ir::verify(f).find("was not defined when the call threw"), std::string::npos) << ir::verify(f);
}

TEST(DeadCode, DropsAParameterCycleThatNobodyReads) {
  expect(eliminate_dead_code, R"(b0(v0.i32):
  br b1(v0, v0)
b1(v1.i32, v2.i32):
  v3 = iconst.i32 #1
  v4 = add.i32 v1, v3
  v5 = add.i32 v2, v3
  br_if v5 b1(v4, v5) b2
b2:
  return_()
)",
         R"(b0(v0.i32):
  br b1(v0)
b1(v2.i32):
  v3 = iconst.i32 #1
  v5 = add.i32 v2, v3
  br_if v5 b1(v5) b2
b2:
  return_()
)");
}

TEST(DeadCode, KeepsAnUnusedLoadBecauseItMayTrap) {
  constexpr auto kText = R"(b0(v0.i32):
  v1 = load.i32 v0
  return_()
)";
  expect(eliminate_dead_code, kText, kText);
}

TEST(Fold, BoundariesFollowTheSpec) {
  using ir::Op;
  using ir::Type;
  constexpr std::uint64_t kMin32 = 0x80000000, kMin64 = 1ull << 63, kOnes64 = ~0ull;
  EXPECT_EQ(fold(Op::div_s, Type::i32, Type::i32, kMin32, 0xffffffff), std::nullopt);
  EXPECT_EQ(fold(Op::rem_s, Type::i32, Type::i32, kMin32, 0xffffffff), 0u);
  EXPECT_EQ(fold(Op::rem_s, Type::i64, Type::i64, kMin64, kOnes64), 0u);
  EXPECT_EQ(fold(Op::div_u, Type::i64, Type::i64, 1, 0), std::nullopt);
  EXPECT_EQ(fold(Op::shl, Type::i32, Type::i32, 1, 33), 2u);
  EXPECT_EQ(fold(Op::shr_s, Type::i32, Type::i32, kMin32, 31), 0xffffffffu);
  EXPECT_EQ(fold(Op::rotl, Type::i32, Type::i32, 0x80000001, 33), 3u);
  EXPECT_EQ(fold(Op::rotr, Type::i64, Type::i64, 1, 65), kMin64);
  EXPECT_EQ(fold(Op::extend8_s, Type::i64, Type::i64, 0x80, 0), 0xffffffffffffff80u);
  EXPECT_EQ(fold(Op::extend_s, Type::i64, Type::i32, kMin32, 0), 0xffffffff80000000u);
  EXPECT_EQ(fold(Op::wrap, Type::i32, Type::i64, 0x1'23456789, 0), 0x23456789u);
  EXPECT_EQ(fold(Op::lt_s, Type::i32, Type::i64, kMin64, 0), 1u);
  EXPECT_EQ(fold(Op::clz, Type::i32, Type::i32, 0, 0), 32u);
  EXPECT_EQ(fold(Op::mul, Type::i32, Type::i32, 0xffffffff, 0xffffffff), 1u);
  EXPECT_EQ(fold(Op::fadd, Type::f32, Type::f32, 0, 0), std::nullopt);
}

}  // namespace
}  // namespace nebulet::wasm::opt
