// SPDX-License-Identifier: MIT
// The kernel's registry of types: which types of which modules are one, what is forgotten, that ids are never
// reused.
#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <vector>

#include "wasm/runtime/types.h"

namespace nebulet::wasm {
namespace {

/// Sets what the decoder sets: groups, depths and jumps.
std::vector<TypeDef> types_of(std::vector<TypeDef> types,
                              const std::vector<std::uint32_t>& group_sizes = {}) {
  for (std::uint32_t i = 0; i < types.size(); ++i) types[i].group_begin = i;
  std::uint32_t begin = 0;
  for (const std::uint32_t size : group_sizes) {
    for (std::uint32_t i = begin; i < begin + size; ++i)
      types[i].group_begin = begin, types[i].group_size = size;
    begin += size;
  }
  for (TypeDef& type : types) {
    if (type.super == TypeDef::kNone) continue;
    type.depth = static_cast<std::uint8_t>(types[type.super].depth + 1);
    type.ancestor = type.super;
  }
  return types;
}
TypeDef structure(std::vector<ValType> fields, std::uint32_t super = TypeDef::kNone) {
  TypeDef type;
  type.kind = TypeDef::Kind::structure;
  type.is_final = false;
  type.super = super;
  for (const ValType& field : fields) type.fields.push_back({.type = field});
  return type;
}

TEST(TypeRegistry, EqualTypesOfDifferentModulesAreOne) {
  // The second module has another type first, so that indices differ.
  const auto first = types_of({structure({kI32}), structure({kI32, ref_type({0}, true)}, 0)});
  const auto second =
      types_of({FuncType{{kI64}, {}}, structure({kI32}), structure({kI32, ref_type({1}, true)}, 1)});
  HeldTypes a, b;
  ASSERT_TRUE(a.add(first));
  ASSERT_TRUE(b.add(second));
  EXPECT_EQ(&a[0], &b[1]);
  EXPECT_EQ(&a[1], &b[2]);
  EXPECT_TRUE(is_subtype(b[2], a[0]));
  EXPECT_FALSE(is_subtype(a[0], a[1]));
  EXPECT_FALSE(is_subtype(b[0], a[0]));
  EXPECT_TRUE(
      is_canonical_subtype(canonical_type(ref_type({2}, false), b), canonical_type(ref_type({0}, true), a)));
  EXPECT_FALSE(
      is_canonical_subtype(canonical_type(ref_type({0}, true), a), canonical_type(ref_type({1}, true), a)));
  EXPECT_TRUE(is_canonical_subtype(canonical_type(ref_type({0}, false), b), kFuncRef));
  EXPECT_TRUE(is_function_type(canonical_type(ref_type({0}, false), b).heap));
  EXPECT_FALSE(is_function_type(canonical_type(ref_type({0}, false), a).heap));
  EXPECT_EQ(find_type(a[1].id), &a[1]);
}

TEST(TypeRegistry, GroupsAreComparedAsAWhole) {
  const auto alone = types_of({structure({ref_type({0}, true)})});
  const auto pair = types_of({structure({ref_type({1}, true)}), structure({ref_type({0}, true)})}, {2});
  const auto selves = types_of({structure({ref_type({0}, true)}), structure({ref_type({1}, true)})}, {2});
  const auto two = types_of({structure({ref_type({0}, true)}), structure({ref_type({1}, true)})});
  HeldTypes a, b, c, d;
  ASSERT_TRUE(a.add(alone) && b.add(pair) && c.add(selves) && d.add(two));
  EXPECT_NE(&a[0], &b[0]);
  EXPECT_NE(&b[0], &b[1]);
  EXPECT_NE(&b[0], &c[0]);
  EXPECT_NE(&c[0], &c[1]);
  EXPECT_EQ(&d[0], &a[0]);
  EXPECT_EQ(&d[1], &a[0]);
}

TEST(TypeRegistry, WhatNobodyHoldsIsForgottenAndItsIdsAreGone) {
  const auto types = types_of({structure({kF64, kF32, kI64}), FuncType{{kF64, kF64, kI64, kI32}, {kF32}}});
  auto held = std::make_unique<HeldTypes>();
  auto other = std::make_unique<HeldTypes>();
  ASSERT_TRUE(held->add(types) && other->add(types));
  const std::uint32_t id = (*held)[0].id, function = (*held)[1].id, abi = (*held)[1].abi;
  held.reset();
  EXPECT_EQ(find_type(id), &(*other)[0]);
  HeldTypes third;
  ASSERT_TRUE(third.add(types));
  EXPECT_EQ(third[0].id, id);
  other.reset();
  EXPECT_EQ(find_type(id), &third[0]);
  third.~HeldTypes();
  new (&third) HeldTypes;
  EXPECT_EQ(find_type(id), nullptr);
  EXPECT_EQ(find_type(function), nullptr);
  HeldTypes again;
  ASSERT_TRUE(again.add(types));
  EXPECT_GT(again[0].id, function);
  EXPECT_GT(again[1].id, function);
  EXPECT_GT(again[1].abi, abi);
}

// The verifier relies on it: equal ids mean that all values are at the same places with the same upper
// halves.
TEST(TypeRegistry, AnAbiIsTheClassesOfParametersAndResults) {
  const auto types = types_of({FuncType{{kI32, kF32}, {kI64}}, FuncType{{kExternRef, kF64}, {kI64}},
                               FuncType{{kI64, kF32}, {kI64}}, FuncType{{kI32, kF32}, {kI32}},
                               FuncType{{kI32, kV128}, {kI64}}, FuncType{{kI32}, {kF32, kI64}},
                               FuncType{{kF32, kI32}, {kI64}}, structure({})});
  HeldTypes held;
  ASSERT_TRUE(held.add(types));
  EXPECT_EQ(held[0].abi, held[1].abi);
  EXPECT_NE(held[0].id, held[1].id);
  for (std::uint32_t i = 2; i < 7; ++i) EXPECT_NE(held[0].abi, held[i].abi) << i;
  EXPECT_NE(held[0].abi, 0u);
  EXPECT_EQ(held[7].abi, 0u);
}

/// What others do to the processor's caches passes; quadratic time does not, it is the same in each attempt.
constexpr int kAttempts = 6;

double seconds(std::uint32_t size, bool one_group) {
  std::vector<TypeDef> types;
  for (std::uint32_t i = 0; i < size; ++i)
    types.push_back(structure({kI32, ref_type({one_group ? (i * 7919) % size : i == 0 ? 0 : i - 1}, true)}));
  types = types_of(std::move(types), one_group ? std::vector{size} : std::vector<std::uint32_t>{});
  const std::clock_t start = std::clock();  // processor time: the machine may be busy
  {
    HeldTypes held, twice;
    EXPECT_TRUE(held.add(types) && twice.add(types));
    EXPECT_EQ(&held[size - 1], &twice[size - 1]);
  }
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(TypeRegistry, ManyTypesTakeTimeInProportion) {
  for (const bool one_group : {false, true}) {
    double small = 0, large = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      small = 1e9;
      for (int round = 0; round < 3; ++round) small = std::min(small, seconds(12'500, one_group));
      large = seconds(100'000, one_group);
      if (large < 8 * 2.5 * small) break;
    }
    std::printf("%s: 100,000 types %.3f s, 12,500 %.3f s\n", one_group ? "one group" : "groups of one", large,
                small);
    EXPECT_LT(large, 8 * 2.5 * small);
  }
}

}  // namespace
}  // namespace nebulet::wasm
