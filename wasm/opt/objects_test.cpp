// SPDX-License-Identifier: MIT
// What the optimizer knows of objects: null, casts, lengths.
#include <gtest/gtest.h>

#include "wasm/opt/pass_test.h"

namespace nebulet::wasm::opt {
namespace {

TEST(Objects, WhatNeverChangesIsReadOnce) {
  simplified(R"(b0(v0.ref, v1.i32):
  v2 = heap_load_const.i32 v0 #4
  v3 = ge_u.i32 v1, v2
  trap_if v3 #20
  v4 = element_load.i32 v0, v1 #8
  v5 = heap_load_const.i32 v0 #4
  v6 = ge_u.i32 v1, v5
  trap_if v6 #20
  v7 = element_load.i32 v0, v1 #8
  v8 = add.i32 v4, v7
  return_(v8)
)",
             R"(b0(v0.ref, v1.i32):
  v2 = heap_load_const.i32 v0 #4
  v3 = ge_u.i32 v1, v2
  trap_if v3 #20
  v4 = element_load.i32 v0, v1 #8
  v5 = element_load.i32 v0, v1 #8
  v6 = add.i32 v4, v5
  return_(v6)
)");
}

TEST(Objects, ANewObjectIsNotNull) {
  simplified(R"(b0:
  v0 = gc_new.ref #1
  v1 = iconst.ref #0
  v2 = eq.i32 v0, v1
  trap_if v2 #10
  v3 = ref_bits.i32 v0
  v4 = eqz.i32 v3
  trap_if v4 #10
  return_(v0)
)",
             R"(b0:
  v0 = gc_new.ref #1
  return_(v0)
)");
}

TEST(Objects, ACastBelowItsTestIsDropped) {
  simplified(R"(b0(v0.ref, v1.i32):
  v2 = heap_load_const.i32 v0
  v3 = gc_type.i32 #3
  v4 = eq.i32 v2, v3
  br_if v4 b1 b2
b1:
  v5 = heap_load_const.i32 v0
  v6 = gc_type.i32 #3
  v7 = eq.i32 v5, v6
  br_if v7 b3 b4
b2:
  v8 = eqz.i32 v4
  trap_if v8 #14
  return_(v1)
b3:
  return_(v2)
b4:
  trap "cast failure"
)",
             R"(b0(v0.ref, v1.i32):
  v2 = heap_load_const.i32 v0
  v3 = gc_type.i32 #3
  v4 = eq.i32 v2, v3
  br_if v4 b2 b1
b1:
  v5 = ne.i32 v2, v3
  trap_if v5 #14
  return_(v1)
b2:
  br b3
b3:
  return_(v2)
)");
}

}  // namespace
}  // namespace nebulet::wasm::opt
