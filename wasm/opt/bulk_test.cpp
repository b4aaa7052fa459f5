// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "wasm/opt/pass_test.h"

namespace nebulet::wasm::opt {
namespace {

void expanded(std::string_view before, std::string_view after) {
  expect(
      [](ir::Function& f) {
        expand_bulk(f);
        eliminate_dead_code(f);
      },
      before, after);
}
void kept(std::string_view text) { expanded(text, text); }

TEST(ExpandBulk, ReadsAllBeforeItWritesAndWritesTheHighestBytesFirst) {
  expanded(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #40
  memory_copy v0, v1, v2 #0
  return_()
)",
           R"(b0(v0.i32, v1.i32):
  v2 = load.v128 v1 #0
  v3 = load.v128 v1 #16
  v4 = load.v128 v1 #24
  v5 = load.i32.u8 v0 #39
  store.v128 v0, v4 #24
  store.v128 v0, v3 #16
  store.v128 v0, v2 #0
  return_()
)");
}

TEST(ExpandBulk, TakesTheWidestPiecesThatFit) {
  expanded(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #11
  memory_copy v0, v1, v2 #0
  v3 = iconst.i32 #3
  memory_copy v0, v1, v3 #0
  v4 = iconst.i32 #4
  memory_copy v0, v1, v4 #0
  return_()
)",
           R"(b0(v0.i32, v1.i32):
  v2 = load.i64 v1 #0
  v3 = load.i64 v1 #3
  store.i64 v0, v3 #3
  store.i64 v0, v2 #0
  v4 = load.i32.u16 v1 #0
  v5 = load.i32.u8 v1 #2
  store.i32.u8 v0, v5 #2
  store.i32.u16 v0, v4 #0
  v6 = load.i32 v1 #0
  store.i32 v0, v6 #0
  return_()
)");
}

TEST(ExpandBulk, FillsWithAConstantOrASplat) {
  expanded(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #6
  v3 = iconst.i32 #511
  memory_fill v0, v3, v2 #0
  v4 = iconst.i32 #20
  memory_fill v0, v1, v4 #0
  return_()
)",
           R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #4294967295
  store.i32 v0, v2 #2
  store.i32 v0, v2 #0
  v3 = vsplat.v128.i8x16 v1
  v4 = load.i32.u8 v0 #19
  store.v128 v0, v3 #4
  store.v128 v0, v3 #0
  return_()
)");
}

TEST(ExpandBulk, LeavesWhatIsLongUnknownOrOfNoBytes) {
  kept(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #129
  memory_copy v0, v1, v2 #0
  return_()
)");
  kept(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #0
  memory_copy v0, v1, v2 #0
  return_()
)");
  kept(R"(b0(v0.i32, v1.i32):
  memory_copy v0, v0, v1 #0
  return_()
)");
  kept(R"(b0(v0.i32, v1.i32):
  v2 = iconst.i32 #5
  memory_fill v0, v1, v2 #0
  return_()
)");
}

}  // namespace
}  // namespace nebulet::wasm::opt
