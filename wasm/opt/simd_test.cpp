// SPDX-License-Identifier: MIT
#include "wasm/opt/pass_test.h"

namespace nebulet::wasm::opt {
namespace {

TEST(SimplifyVector, SplatsAndLanesOfConstants) {
  simplified(R"(b0:
  v0 = iconst.i32 #258
  v1 = vsplat.v128.i8x16 v0
  v2 = vsplat.v128.i16x8 v0
  v3 = vreplace.v128.i8x16 v2, v0 #15
  v4 = vextract_u.i32.i16x8 v3 #7
  return_(v1, v3, v4)
)",
             R"(b0:
  v0 = vconst.v128 #0x0202020202020202 0x0202020202020202
  v1 = vconst.v128 #0x0102010201020102 0x0202010201020102
  v2 = iconst.i32 #514
  return_(v0, v1, v2)
)");
}

TEST(SimplifyVector, ALaneOfASplatIsItsScalarUnlessItIsNarrow) {
  simplified(R"(b0(v0.i32):
  v1 = vsplat.v128.i32x4 v0
  v2 = vextract_u.i32.i32x4 v1 #3
  v3 = vsplat.v128.i8x16 v0
  v4 = vextract_u.i32.i8x16 v3 #3
  return_(v2, v4)
)",
             R"(b0(v0.i32):
  v3 = vsplat.v128.i8x16 v0
  v4 = vextract_u.i32.i8x16 v3 #3
  return_(v0, v4)
)");
}

TEST(SimplifyVector, ShufflesAreRegular) {
  // Of one input only; of the second only; the identity; of constants.
  simplified(R"(b0(v0.v128, v1.v128):
  v2 = vshuffle.v128.i8x16 v0, v1 # 3 2 1 0 4 5 6 7 8 9 10 11 12 13 14 15
  v3 = vshuffle.v128.i8x16 v0, v1 # 19 18 17 16 20 21 22 23 24 25 26 27 28 29 30 31
  v4 = vshuffle.v128.i8x16 v0, v1 # 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
  v5 = vconst.v128 #0x0706050403020100 0x0f0e0d0c0b0a0908
  v6 = vshuffle.v128.i8x16 v5, v5 # 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0
  return_(v2, v3, v4, v6)
)",
             R"(b0(v0.v128, v1.v128):
  v2 = vshuffle.v128.i8x16 v0, v0 # 3 2 1 0 4 5 6 7 8 9 10 11 12 13 14 15
  v3 = vshuffle.v128.i8x16 v1, v1 # 3 2 1 0 4 5 6 7 8 9 10 11 12 13 14 15
  v6 = vconst.v128 #0x08090a0b0c0d0e0f 0x0001020304050607
  return_(v2, v3, v1, v6)
)");
}

TEST(SimplifyVector, AConstantSwizzleIsAShuffleIfNoLaneIsZero) {
  simplified(R"(b0(v0.v128):
  v1 = vconst.v128 #0x0f0f0f0f0f0f0f0f 0x0001020304050607
  v2 = vswizzle.v128.i8x16 v0, v1
  v3 = vconst.v128 #0x100f0f0f0f0f0f0f 0x0001020304050607
  v4 = vswizzle.v128.i8x16 v0, v3
  return_(v2, v4)
)",
             R"(b0(v0.v128):
  v2 = vshuffle.v128.i8x16 v0, v0 # 15 15 15 15 15 15 15 15 7 6 5 4 3 2 1 0
  v3 = vconst.v128 #0x100f0f0f0f0f0f0f 0x0001020304050607
  v4 = vswizzle.v128.i8x16 v0, v3
  return_(v2, v4)
)");
}

TEST(SimplifyVector, MasksLoseTheirComplements) {
  simplified(R"(b0(v0.v128, v1.v128):
  v2 = vne.v128.i16x8 v0, v1
  v3 = vbitselect.v128 v0, v1, v2
  v4 = vlt_u.v128.i8x16 v0, v1
  v5 = vnot.v128 v4
  v6 = vconst.v128 #0x0000000000000000 0x0000000000000000
  v7 = vbitselect.v128 v0, v6, v5
  v8 = vflt.v128.f32x4 v0, v1
  v9 = vnot.v128 v8
  return_(v3, v5, v7, v9)
)",
             R"(b0(v0.v128, v1.v128):
  v2 = veq.v128.i16x8 v0, v1
  v3 = vbitselect.v128 v1, v0, v2
  v5 = vge_u.v128.i8x16 v0, v1
  v7 = vand.v128 v0, v5
  v8 = vflt.v128.f32x4 v0, v1
  v9 = vnot.v128 v8
  return_(v3, v5, v7, v9)
)");
}

// Equal fields are equal values: also the lanes, the lane number, all bits of a constant and of a shuffle.
TEST(SimplifyVector, EqualComputationsAreMergedAndOthersAreNot) {
  simplified(R"(b0(v0.v128, v1.v128):
  v2 = vadd.v128.i8x16 v0, v1
  v3 = vadd.v128.i8x16 v0, v1
  v4 = vadd.v128.i16x8 v0, v1
  v5 = vextract_u.i32.i32x4 v0 #1
  v6 = vextract_u.i32.i32x4 v0 #2
  v7 = vconst.v128 #0x0000000000000001 0x0000000000000002
  v8 = vconst.v128 #0x0000000000000001 0x0000000000000002
  v9 = vconst.v128 #0x0000000000000001 0x0000000100000002
  v10 = vshuffle.v128.i8x16 v0, v1 # 0 17 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  v11 = vshuffle.v128.i8x16 v0, v1 # 0 17 2 3 4 5 6 7 8 9 10 11 12 13 14 31
  return_(v2, v3, v4, v5, v6, v7, v8, v9, v10, v11)
)",
             R"(b0(v0.v128, v1.v128):
  v2 = vadd.v128.i8x16 v0, v1
  v4 = vadd.v128.i16x8 v0, v1
  v5 = vextract_u.i32.i32x4 v0 #1
  v6 = vextract_u.i32.i32x4 v0 #2
  v7 = vconst.v128 #0x0000000000000001 0x0000000000000002
  v9 = vconst.v128 #0x0000000000000001 0x0000000100000002
  v10 = vshuffle.v128.i8x16 v0, v1 # 0 17 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  v11 = vshuffle.v128.i8x16 v0, v1 # 0 17 2 3 4 5 6 7 8 9 10 11 12 13 14 31
  return_(v2, v2, v4, v5, v6, v7, v7, v9, v10, v11)
)");
}

TEST(SimplifyVector, BitsAndCounts) {
  simplified(R"(b0(v0.v128, v1.v128):
  v2 = vconst.v128 #0xffffffffffffffff 0xffffffffffffffff
  v3 = vxor.v128 v0, v2
  v4 = vand.v128 v1, v3
  v5 = iconst.i32 #64
  v6 = vshl.v128.i64x2 v4, v5
  v7 = vandnot.v128 v6, v2
  return_(v6, v7)
)",
             R"(b0(v0.v128, v1.v128):
  v4 = vandnot.v128 v1, v0
  v7 = vconst.v128 #0x0000000000000000 0x0000000000000000
  return_(v4, v7)
)");
}

TEST(VerifyIr, AVectorOperationHasTypesAndLanes) {
  const auto error = [](std::string_view text) {
    Arena arena;
    ir::Function f(arena);
    const auto parsed = ir::parse(text, f);
    EXPECT_TRUE(parsed.has_value()) << parsed.error();
    ir::compute_cfg(f);
    return ir::verify(f);
  };
  EXPECT_NE(error("b0(v0.i32, v1.v128):\n  v2 = vadd.v128.i8x16 v0, v1\n  return_(v2)\n"), "");
  EXPECT_NE(error("b0(v0.i32):\n  v1 = vsplat.v128.i64x2 v0\n  return_(v1)\n"), "");
  EXPECT_NE(error("b0(v0.v128):\n  v1 = vextract_u.i32.i32x4 v0 #4\n  return_(v1)\n"), "");
  EXPECT_NE(error("b0(v0.v128):\n  v1 = vextract_s.i32.i32x4 v0 #1\n  return_(v1)\n"), "");
  EXPECT_EQ(error("b0(v0.v128):\n  v1 = vextract_s.i32.i16x8 v0 #7\n  return_(v1)\n"), "");
}

}  // namespace
}  // namespace nebulet::wasm::opt
