// SPDX-License-Identifier: MIT
// Type sections: what is declared, which types are equal, subtyping, limits, and that none of it takes long.
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <vector>

#include "wasm/binary/limits.h"
#include "wasm/binary/subtype.h"
#include "wasm/compile.h"

namespace nebulet::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kGroup = 0x4e, kSub = 0x50, kSubFinal = 0x4f, kFunction = 0x60, kStruct = 0x5f,
                       kArray = 0x5e, kRefNull = 0x63, kRef = 0x64, kInt32 = 0x7f, kInt64 = 0x7e,
                       kInt8 = 0x78;

void append(Bytes& to, const Bytes& from) { to.insert(to.end(), from.begin(), from.end()); }
Bytes number(std::uint32_t n) {
  Bytes bytes;
  for (; n >= 0x80; n >>= 7) bytes.push_back(static_cast<std::uint8_t>(n | 0x80));
  bytes.push_back(static_cast<std::uint8_t>(n));
  return bytes;
}
/// A type index where a heap type stands: a signed number.
Bytes heap(std::uint32_t index) {
  Bytes bytes;
  for (; index >= 0x40; index >>= 7) bytes.push_back(static_cast<std::uint8_t>((index & 0x7f) | 0x80));
  bytes.push_back(static_cast<std::uint8_t>(index));
  return bytes;
}
Bytes join(std::initializer_list<Bytes> parts) {
  Bytes bytes;
  for (const Bytes& part : parts) append(bytes, part);
  return bytes;
}
/// A module of nothing but `count` groups.
std::vector<std::byte> module_of(std::uint32_t count, const Bytes& groups) {
  const Bytes contents = join({number(count), groups});
  const Bytes all = join(
      {{0, 'a', 's', 'm', 1, 0, 0, 0, 1}, number(static_cast<std::uint32_t>(contents.size())), contents});
  std::vector<std::byte> bytes(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) bytes[i] = static_cast<std::byte>(all[i]);
  return bytes;
}
struct Decoded {
  std::vector<std::byte> bytes;
  Result<Module> module;
  Decoded(std::uint32_t count, const Bytes& groups)
      : bytes(module_of(count, groups)), module(decode_module(bytes)) {}
};
std::string refusal(std::uint32_t count, const Bytes& groups) {
  const Decoded decoded(count, groups);
  return decoded.module ? "" : decoded.module.error().message;
}

TEST(Types, StructuresArraysAndSubtypesAreDecoded) {
  const Decoded decoded(
      3,
      join({{kSub, 0, kStruct, 2, kInt8, 0, kInt64, 1},
            {kGroup, 2, kSubFinal, 1, 0, kStruct, 3, kInt8, 0, kInt64, 1, kRefNull, 2, 0, kArray, kRef, 1, 1},
            {kFunction, 1, kRef, 2, 1, 0x6e}}));
  ASSERT_TRUE(decoded.module) << decoded.module.error().message;
  const std::vector<TypeDef>& types = decoded.module->types;
  ASSERT_EQ(types.size(), 4u);
  EXPECT_EQ(types[0].kind, TypeDef::Kind::structure);
  EXPECT_FALSE(types[0].is_final);
  EXPECT_EQ(types[0].fields[0].packed, FieldType::Packed::i8);
  EXPECT_EQ(types[0].fields[0].type, kI32);
  EXPECT_TRUE(types[0].fields[1].is_mutable);
  EXPECT_EQ(types[1].super, 0u);
  EXPECT_EQ(types[1].depth, 1u);
  EXPECT_TRUE(types[1].is_final);
  EXPECT_EQ(types[1].fields[2].type, ref_type({2}, true));
  EXPECT_EQ(types[2].kind, TypeDef::Kind::array);
  EXPECT_EQ(types[2].group_begin, 1u);
  EXPECT_EQ(types[2].group_size, 2u);
  EXPECT_TRUE(types[1].has_defaults);
  EXPECT_EQ(types[3].function.results[0], ref_type(kAnyHeap, true));
}

TEST(Types, EqualGroupsAreOneTypeAndOthersAreNot) {
  const Bytes pair{kGroup, 2, kStruct, 1, kRefNull, 1, 0, kStruct, 1, kRefNull, 0, 0};
  const Bytes later{kGroup, 2, kStruct, 1, kRefNull, 3, 0, kStruct, 1, kRefNull, 2, 0};  // the same at 2
  const Bytes swapped{kGroup, 2,       kStruct, 1,        kRefNull, 4,
                      0,      kStruct, 1,       kRefNull, 5,        0};  // each names itself
  const Bytes single{kStruct, 1, kRefNull, 0, 0};
  const Decoded decoded(5, join({pair, later, swapped, single, single}));
  ASSERT_TRUE(decoded.module) << decoded.module.error().message;
  const Module& m = *decoded.module;
  EXPECT_EQ(m.canonical(2), 0u);
  EXPECT_EQ(m.canonical(3), 1u);
  EXPECT_EQ(m.canonical(4), 4u);
  EXPECT_EQ(m.canonical(5), 5u);  // in one group, types in different places are different
  EXPECT_EQ(m.canonical(6), 6u);
  EXPECT_EQ(m.canonical(7), 6u);
  EXPECT_TRUE(is_equivalent(m, ref_type({0}, true), ref_type({2}, true)));
  EXPECT_FALSE(is_subtype(m, ref_type({0}, true), ref_type({1}, true)));
}

TEST(Types, ASubtypeMustMatchItsSupertype) {
  const Bytes open{kSub, 0, kStruct, 1, kInt32, 0};
  EXPECT_EQ(refusal(2, join({open, {kSub, 1, 0, kStruct, 2, kInt32, 0, kInt64, 0}})), "");
  EXPECT_EQ(refusal(2, join({open, {kSub, 1, 0, kStruct, 1, kInt64, 0}})),
            "sub type 1 does not match super type 0");
  EXPECT_EQ(refusal(2, join({open, {kSub, 1, 0, kStruct, 1, kInt32, 1}})),
            "sub type 1 does not match super type 0");
  EXPECT_EQ(refusal(2, join({open, {kSub, 1, 0, kStruct, 0}})), "sub type 1 does not match super type 0");
  EXPECT_EQ(refusal(2, {kStruct, 0, kSub, 1, 0, kStruct, 0}),
            "sub type 1 does not match super type 0");  // final
  EXPECT_EQ(refusal(1, {kSub, 1, 0, kStruct, 0}), "unknown type 0");
  EXPECT_EQ(refusal(1, {kStruct, 1, kRef, 1, 0}), "unknown type 1");
  EXPECT_EQ(refusal(1, {kArray, kInt8, 2}), "malformed mutability");
  EXPECT_EQ(refusal(1, {0x5d}), "malformed definition type");
  EXPECT_EQ(refusal(3, {kSub, 0, kStruct, 0, kSub, 0, kStruct, 0, kSub, 2, 0, 1, kStruct, 0}),
            "sub type with more than one super type");
}

TEST(Types, FieldsAndFunctionsMatchByTheirVariance) {
  const Decoded decoded(4, join({{kSub, 0, kStruct, 0},
                                 {kSub, 1, 0, kStruct, 1, kInt32, 0},
                                 // ($1) -> $0, and a subtype ($0) -> $1
                                 {kSub, 0, kFunction, 1, kRefNull, 1, 1, kRefNull, 0},
                                 {kSub, 1, 2, kFunction, 1, kRefNull, 0, 1, kRef, 1}}));
  ASSERT_TRUE(decoded.module) << decoded.module.error().message;
  const Module& m = *decoded.module;
  EXPECT_TRUE(is_subtype(m, ref_type({1}, false), ref_type({0}, true)));
  EXPECT_FALSE(is_subtype(m, ref_type({1}, true), ref_type({0}, false)));
  EXPECT_TRUE(is_subtype(m, ref_type({3}, false), ref_type({2}, false)));
  EXPECT_TRUE(is_subtype(m, ref_type({3}, false), kFuncRef));
  EXPECT_TRUE(is_subtype(m, ref_type({1}, false), ref_type(kEqHeap, false)));
  EXPECT_FALSE(is_subtype(m, ref_type({1}, false), ref_type(kArrayHeap, false)));
  EXPECT_TRUE(is_subtype(m, ref_type(kNoneHeap, false), ref_type({1}, false)));
  EXPECT_FALSE(is_subtype(m, ref_type(kNoneHeap, true), ref_type({2}, true)));
  EXPECT_TRUE(is_subtype(m, ref_type(kNoFuncHeap, true), ref_type({2}, true)));
  EXPECT_FALSE(is_subtype(m, ref_type(kExternHeap, true), ref_type(kAnyHeap, true)));
  // A mutable field may not change its type in a subtype.
  EXPECT_EQ(refusal(4, join({{kSub, 0, kStruct, 0},
                             {kSub, 1, 0, kStruct, 1, kInt32, 0},
                             {kSub, 0, kStruct, 1, kRefNull, 0, 1},
                             {kSub, 1, 2, kStruct, 1, kRefNull, 1, 1}})),
            "sub type 3 does not match super type 2");
}

Bytes chain(std::uint32_t length) {
  Bytes groups{kSub, 0, kStruct, 0};
  for (std::uint32_t i = 1; i < length; ++i) append(groups, join({{kSub, 1}, number(i - 1), {kStruct, 0}}));
  return groups;
}

TEST(Types, AHierarchyHasAtMost63Supertypes) {
  const Decoded decoded(64, chain(64));
  ASSERT_TRUE(decoded.module) << decoded.module.error().message;
  for (std::uint32_t sub = 0; sub < 64; ++sub)
    for (std::uint32_t super = 0; super < 64; ++super)
      EXPECT_EQ(is_declared_subtype(*decoded.module, sub, super), sub >= super) << sub << " " << super;
  EXPECT_EQ(refusal(65, chain(65)), "sub type hierarchy too deep");
}

TEST(Types, NamesAreThoseOfTheTextFormat) {
  EXPECT_EQ(type_name(kFuncRef), "funcref");
  EXPECT_EQ(type_name(ref_type(kNoneHeap, true)), "nullref");
  EXPECT_EQ(type_name(ref_type(kArrayHeap, false)), "(ref array)");
  EXPECT_EQ(type_name(ref_type({12}, true)), "(ref null 12)");
  EXPECT_EQ(type_name(kV128), "v128");
}

/// A type section of about `size` types, in one of the ways that could take long.
using Family = std::function<std::vector<std::byte>(std::uint32_t size)>;

/// What others do to the processor's caches passes; quadratic time does not, it is the same in each attempt.
constexpr int kAttempts = 6;

double seconds(const Family& family, std::uint32_t size, int rounds) {
  const std::vector<std::byte> bytes = family(size);
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();  // processor time: the machine may be busy
    const auto module = decode_module(bytes);
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    EXPECT_TRUE(module) << module.error().message;
  }
  return best;
}

TEST(Types, ManyTypesTakeTimeInProportion) {
  const Family distinct = [](std::uint32_t size) {
    Bytes groups;
    for (std::uint32_t i = 0; i < size; ++i) {  // the types' numbers in binary
      Bytes params;
      for (int bit = 0; bit < 20; ++bit) params.push_back(i >> bit & 1 ? kInt32 : kInt64);
      append(groups, join({{kFunction, 20}, params, {0}}));
    }
    return module_of(size, groups);
  };
  const Family equal = [](std::uint32_t size) {
    Bytes groups;
    for (std::uint32_t i = 0; i < size; ++i) append(groups, {kFunction, 2, kInt32, kInt64, 0});
    return module_of(size, groups);
  };
  // Each names the one before, so none is equal to another and all look alike.
  const Family linked = [](std::uint32_t size) {
    Bytes groups{kStruct, 0};
    for (std::uint32_t i = 1; i < size; ++i) append(groups, join({{kStruct, 1, kRef}, heap(i - 1), {0}}));
    return module_of(size, groups);
  };
  // Two groups of half the size that differ in their last type only, twice.
  const Family large_groups = [](std::uint32_t size) {
    Bytes groups;
    for (std::uint32_t g = 0; g < 4; ++g) {
      append(groups, join({{kGroup}, number(size / 4)}));
      for (std::uint32_t i = 0; i + 1 < size / 4; ++i)
        append(groups, join({{kStruct, 1, kRef}, heap(g * (size / 4) + i + 1), {0}}));
      append(groups, {kStruct, 1, g & 1 ? kInt32 : kInt64, 0});
    }
    return module_of(4, groups);
  };
  const Family chains = [](std::uint32_t size) {
    Bytes groups;
    for (std::uint32_t i = 0; i < size; ++i) {
      if (i % 64 == 0)
        append(groups, {kSub, 0, kStruct, 0});
      else
        append(groups, join({{kSub, 1}, number(i - 1), {kStruct, 0}}));
    }
    return module_of(size, groups);
  };
  const std::pair<const char*, Family> families[] = {{"distinct", distinct},
                                                     {"equal", equal},
                                                     {"linked", linked},
                                                     {"large groups", large_groups},
                                                     {"chains", chains}};
  for (const auto& [name, family] : families) {
    double small = 0, large = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      small = seconds(family, 12'500, 3), large = seconds(family, 100'000, 1);
      if (large < 8 * 2.5 * small) break;
    }
    std::printf("%-14s 100,000 types: %.3f s, 12,500: %.3f s\n", name, large, small);
    EXPECT_LT(large, 8 * 2.5 * small) << name;
  }
}

}  // namespace
}  // namespace nebulet::wasm
