// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "wasm/opt/pass_test.h"

namespace nebulet::wasm::opt {
namespace {

void expanded(std::string_view before, std::string_view after) { expect(expand_switches, before, after); }

TEST(Switches, OneCaseIsAComparison) {
  expanded(R"(b0(v0.i32):
  br_table v0 b1 b1 b2 b1
b1:
  return_(v0)
b2:
  return_()
)",
           R"(b0(v0.i32):
  v1 = iconst.i32 #2
  v2 = eq.i32 v0, v1
  br_if v2 b2 b1
b1:
  return_(v0)
b2:
  return_()
)");
}

TEST(Switches, ARangeIsOneComparison) {
  expanded(R"(b0(v0.i32):
  br_table v0 b1 b2 b2 b2 b1
b1:
  return_(v0)
b2:
  return_()
)",
           R"(b0(v0.i32):
  v1 = iconst.i32 #1
  v2 = sub.i32 v0, v1
  v3 = iconst.i32 #3
  v4 = lt_u.i32 v2, v3
  br_if v4 b2 b1
b1:
  return_(v0)
b2:
  return_()
)");
}

TEST(Switches, ThreeCasesAreAChainInTheirOrder) {
  expanded(R"(b0(v0.i32, v1.i64):
  br_table v0 b1 b1 b2 b3 b4(v1)
b1:
  return_(v0)
b2:
  trap #0
b3:
  return_()
b4(v2.i64):
  return_(v2)
)",
           R"(b0(v0.i32, v1.i64):
  v2 = iconst.i32 #2
  v3 = lt_u.i32 v0, v2
  br_if v3 b6 b1
b1:
  v4 = iconst.i32 #2
  v5 = eq.i32 v0, v4
  br_if v5 b5 b2
b2:
  v6 = iconst.i32 #3
  v7 = eq.i32 v0, v6
  br_if v7 b4 b3(v1)
b3(v8.i64):
  return_(v8)
b4:
  return_()
b5:
  trap #0
b6:
  return_(v0)
)");
}

TEST(Switches, EntriesWithOtherArgumentsAreOthers) {
  expanded(R"(b0(v0.i32, v1.i32):
  br_table v0 b1(v0) b1(v1) b1(v0) b1(v1)
b1(v2.i32):
  return_(v2)
)",
           R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #0
  v3 = eq.i32 v0, v2
  br_if v3 b2(v0) b1
b1:
  v4 = iconst.i32 #2
  v5 = eq.i32 v0, v4
  br_if v5 b2(v0) b2(v1)
b2(v6.i32):
  return_(v6)
)");
}

TEST(Switches, ATableOfOneTargetIsAJump) {
  expanded(R"(b0(v0.i32):
  br_table v0 b1 b1 b1
b1:
  return_(v0)
)",
           R"(b0(v0.i32):
  br b1
b1:
  return_(v0)
)");
}

TEST(Switches, FourCasesStayATable) {
  constexpr auto kText = R"(b0(v0.i32):
  br_table v0 b2 b1 b2 b1 b2 b1 b2 b1
b1:
  return_()
b2:
  return_(v0)
)";
  expanded(kText, kText);
}

TEST(Switches, TheOffsetOfTheIndexMovesIntoTheConstant) {
  expanded(R"(b0(v0.i32):
  v1 = iconst.i32 #4294967293
  v2 = add.i32 v0, v1
  br_table v2 b2 b1
b1:
  return_(v2)
b2:
  return_()
)",
           R"(b0(v0.i32):
  v1 = iconst.i32 #4294967293
  v2 = add.i32 v0, v1
  v3 = iconst.i32 #3
  v4 = eq.i32 v0, v3
  br_if v4 b2 b1
b1:
  return_(v2)
b2:
  return_()
)");
}

}  // namespace
}  // namespace nebulet::wasm::opt
