// SPDX-License-Identifier: MIT
// Shuffles of every class that the selector tells apart, and random ones; loads and stores of lanes.
#include <algorithm>
#include <random>

#include "tests/engine/compiled_module.h"

namespace nebulet::test {
namespace {

using wasm::kV128;
using wasm::Opcode;

using Indices = std::array<std::uint8_t, 16>;

V128 shuffled(const V128& a, const V128& b, const Indices& indices) {
  V128 r;
  for (unsigned i = 0; i < 16; ++i)
    r.bytes[i] = indices[i] < 16 ? a.bytes[indices[i]] : b.bytes[indices[i] - 16];
  return r;
}

/// The shuffle that moves lanes of `width` bytes.
Indices by_lanes(unsigned width, const std::vector<unsigned>& lanes) {
  Indices indices;
  for (unsigned i = 0; i < 16; ++i)
    indices[i] = static_cast<std::uint8_t>(lanes[i / width] * width + i % width);
  return indices;
}

std::vector<Indices> patterns() {
  std::vector<Indices> all;
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  // All shuffles of 8-byte lanes, all of one input's 4-byte lanes.
  for (unsigned i = 0; i < 16; ++i) all.push_back(by_lanes(8, {i % 4, i / 4}));
  for (unsigned i = 0; i < 256; ++i) all.push_back(by_lanes(4, {i & 3, i >> 2 & 3, i >> 4 & 3, i >> 6}));
  for (unsigned i = 0; i < 400; ++i) all.push_back(by_lanes(4, {below(8), below(8), below(8), below(8)}));
  for (unsigned from : {0u, 8u, 16u, 24u}) {
    for (unsigned i = 0; i < 60; ++i) {
      std::vector<unsigned> words = {0, 1, 2, 3, 4, 5, 6, 7};
      // Within the low or the high half, of one input or of both.
      for (unsigned k = 0; k < 8; ++k) {
        if (from == 0 && k < 4) words[k] = below(4);
        if (from == 8 && k >= 4) words[k] = 4 + below(4);
        if (from == 16) words[k] = below(16);
        if (from == 24) words[k] = k + 8 * below(2);
      }
      all.push_back(by_lanes(2, words));
    }
  }
  // Rotations, blends, interleavings, packs, broadcasts.
  for (unsigned n = 0; n < 32; ++n) {
    Indices ring, own, blend, lane;
    for (unsigned i = 0; i < 16; ++i) {
      ring[i] = static_cast<std::uint8_t>((n + i) % 32);
      own[i] = static_cast<std::uint8_t>((n + i) % 16 + (n >= 16 ? 16 : 0));
      blend[i] = static_cast<std::uint8_t>(i + 16 * below(2));
      lane[i] = static_cast<std::uint8_t>(n);
    }
    all.insert(all.end(), {ring, own, blend, lane});
  }
  for (unsigned width : {1u, 2u, 4u, 8u}) {
    const unsigned lanes = 16 / width;
    for (unsigned first : {0u, lanes})
      for (unsigned second : {0u, lanes})
        for (unsigned start : {0u, lanes / 2}) {
          std::vector<unsigned> mixed(lanes);
          for (unsigned i = 0; i < lanes; ++i) mixed[i] = start + i / 2 + (i % 2 ? second : first);
          all.push_back(by_lanes(width, mixed));
        }
    for (unsigned odd : {0u, 1u}) {
      std::vector<unsigned> packed(lanes);
      for (unsigned i = 0; i < lanes; ++i) packed[i] = 2 * i + odd;
      all.push_back(by_lanes(width, packed));
    }
    for (unsigned i = 0; i < lanes * 2; ++i) all.push_back(by_lanes(width, std::vector<unsigned>(lanes, i)));
  }
  for (unsigned i = 0; i < 1000; ++i) {
    Indices any;
    const unsigned inputs = i % 3 == 0 ? 16 : 32;
    for (std::uint8_t& index : any) index = static_cast<std::uint8_t>(below(inputs));
    // Many bytes in their places.
    if (i % 5 == 0)
      for (unsigned k = 0; k < 16; ++k)
        if (below(3)) any[k] = static_cast<std::uint8_t>(k);
    all.push_back(any);
  }
  return all;
}

// Inputs are two vectors, one twice, a constant, zero (left and right), or one in memory.
TEST(SimdShuffle, AllClassesAndRandomOnes) {
  const V128 a = V128::of(0xa7a6a5a4a3a2a1a0, 0xafaeadacabaaa9a8),
             b = V128::of(0xb7b6b5b4b3b2b1b0, 0xbfbebdbcbbbab9b8);
  const std::vector<Indices> all = patterns();
  for (unsigned kind = 0; kind < 6; ++kind) {
    CompiledModule module;
    for (const Indices& indices : all) {
      Code body;
      switch (kind) {
        case 0: body.get(0).get(1); break;
        case 1: body.get(0).get(0); break;
        case 2: body.get(0).vector(b); break;
        case 3: body.get(0).vector({}); break;
        case 4: body.vector({}).get(1); break;
        default: body.get(0).i32(65520).access(Opcode::v128_load); break;
      }
      body.op(Opcode::i8x16_shuffle);
      for (unsigned index : indices) body.byte(index);
      module.add({{kV128, kV128}, {kV128}, {}, body});
    }
    ASSERT_TRUE(module.start());
    std::memcpy(module.memory() + 65520, b.bytes.data(), 16);
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      const V128 left = kind == 4 ? V128{} : a, right = kind == 1 ? a : kind == 3 ? V128{} : b;
      EXPECT_EQ(module.call(i, {a, b}), shuffled(left, right, all[i])) << "kind " << kind << " pattern " << i;
    }
  }
}

TEST(SimdShuffle, ConstantSwizzles) {
  const V128 a = V128::of(0xa7a6a5a4a3a2a1a0, 0xafaeadacabaaa9a8);
  std::mt19937_64 random(3);
  CompiledModule module;
  std::vector<V128> indices;
  for (unsigned i = 0; i < 100; ++i) {
    V128 v = V128::of(random(), random());
    if (i % 2)
      for (std::uint8_t& b : v.bytes) b &= i % 4 == 1 ? 15 : 31;
    indices.push_back(v);
    module.add({{kV128}, {kV128}, {}, Code().get(0).vector(v).op(Opcode::i8x16_swizzle)});
    module.add({{kV128}, {kV128}, {}, Code().get(0).vector(v).op(Opcode::i8x16_relaxed_swizzle)});
  }
  ASSERT_TRUE(module.start());
  for (std::uint32_t i = 0; i < indices.size(); ++i) {
    EXPECT_EQ(module.call(2 * i, {a}), simd_model("i8x16.swizzle", 0, a, indices[i], {}).value);
    EXPECT_EQ(module.call(2 * i + 1, {a}), simd_model("i8x16.relaxed_swizzle", 0, a, indices[i], {}).value);
  }
}

struct Access {
  Opcode op;
  unsigned bytes;
};

// Loads that make a vector of fewer than 16 bytes read these bytes and no others.
TEST(SimdMemory, LoadsReadExactlyTheirBytes) {
  std::vector<Access> loads;
#define NB_VECTOR_LOAD(name, code, text, type, access, alignment, lanes, ir) \
  loads.push_back({Opcode::name, 1u << alignment});
#include "wasm/binary/opcodes.def"
  loads.push_back({Opcode::v128_load, 16});
  ASSERT_EQ(loads.size(), 13u);
  CompiledModule module;
  for (const Access& load : loads) {
    module.add({{wasm::kI32}, {kV128}, {}, Code().get(0).access(load.op)});
    module.add({{wasm::kI32}, {kV128}, {}, Code().get(0).access(load.op, 100)});
    // The loaded vector is used twice.
    module.add({{wasm::kI32},
                {kV128},
                {kV128},
                Code().get(0).access(load.op).set(1).get(1).get(1).op(Opcode::i8x16_add)});
  }
  ASSERT_TRUE(module.start());
  const V128 data = V128::of(0x8091a2b3c4d5e6f7, 0x0123456789abcdef);
  for (std::uint32_t i = 0; i < loads.size(); ++i) {
    const auto [op, bytes] = loads[i];
    const std::uint32_t last = 65536 - bytes;
    std::memcpy(module.memory() + last, data.bytes.data(), bytes);
    const std::string_view name = wasm::opcode_info(op).text;
    V128 expected;
    const auto widen = [&](auto narrow, auto wide) {
      for (unsigned k = 0; k < 8 / sizeof narrow; ++k)
        expected.set(k, static_cast<decltype(wide)>(data.get<decltype(narrow)>(k)));
    };
    if (name.ends_with("splat"))
      for (unsigned k = 0; k < 16; ++k) expected.bytes[k] = data.bytes[k % bytes];
    else if (name.ends_with("zero") || op == Opcode::v128_load)
      std::copy_n(data.bytes.begin(), bytes, expected.bytes.begin());
    else if (op == Opcode::v128_load8x8_s)
      widen(std::int8_t{}, std::int16_t{});
    else if (op == Opcode::v128_load8x8_u)
      widen(std::uint8_t{}, std::uint16_t{});
    else if (op == Opcode::v128_load16x4_s)
      widen(std::int16_t{}, std::int32_t{});
    else if (op == Opcode::v128_load16x4_u)
      widen(std::uint16_t{}, std::uint32_t{});
    else if (op == Opcode::v128_load32x2_s)
      widen(std::int32_t{}, std::int64_t{});
    else
      widen(std::uint32_t{}, std::uint64_t{});
    EXPECT_EQ(module.call(3 * i, {V128::of(last, 0)}), expected) << name;
    EXPECT_EQ(module.call(3 * i + 1, {V128::of(last - 100, 0)}), expected) << name;
    EXPECT_EQ(module.call(3 * i + 2, {V128::of(last, 0)}),
              simd_model("i8x16.add", 0, expected, expected, {}).value)
        << name;
    for (std::uint32_t f : {3 * i, 3 * i + 2}) EXPECT_TRUE(module.traps(f, {V128::of(last + 1, 0)})) << name;
    EXPECT_TRUE(module.traps(3 * i + 1, {V128::of(0xffffffff, 0)})) << name;
  }
}

TEST(SimdMemory, LanesAreLoadedAndStoredAlone) {
  std::vector<Access> loads, stores;
  for (const Opcode op : {Opcode::v128_load8_lane, Opcode::v128_load16_lane, Opcode::v128_load32_lane,
                          Opcode::v128_load64_lane})
    loads.push_back({op, 1u << loads.size()});
  for (const Opcode op : {Opcode::v128_store8_lane, Opcode::v128_store16_lane, Opcode::v128_store32_lane,
                          Opcode::v128_store64_lane})
    stores.push_back({op, 1u << stores.size()});
  CompiledModule module;
  for (unsigned k = 0; k < 4; ++k)
    for (unsigned lane = 0; lane < 16 / loads[k].bytes; ++lane) {
      module.add({{wasm::kI32, kV128}, {kV128}, {}, Code().get(0).get(1).access(loads[k].op).byte(lane)});
      module.add({{wasm::kI32, kV128}, {}, {}, Code().get(0).get(1).access(stores[k].op).byte(lane)});
    }
  ASSERT_TRUE(module.start());
  const V128 vector = V128::of(0x1716151413121110, 0x1f1e1d1c1b1a1918),
             data = V128::of(0xf7f6f5f4f3f2f1f0, 0);
  std::uint32_t f = 0;
  for (unsigned k = 0; k < 4; ++k) {
    const unsigned bytes = loads[k].bytes;
    for (unsigned lane = 0; lane < 16 / bytes; ++lane, f += 2) {
      std::byte* const end = module.memory() + 65536;
      const V128 last = V128::of(65536 - bytes, 0), beyond = V128::of(65536 - bytes + 1, 0);
      std::memcpy(end - bytes, data.bytes.data(), bytes);
      V128 expected = vector;
      std::copy_n(data.bytes.begin(), bytes, expected.bytes.begin() + lane * bytes);
      EXPECT_EQ(module.call(f, {last, vector}), expected);
      EXPECT_TRUE(module.traps(f, {beyond, vector}));
      std::memset(end - 32, 0x55, 32);
      module.call(f + 1, std::array{last, vector}, {});
      EXPECT_EQ(std::memcmp(end - bytes, vector.bytes.data() + lane * bytes, bytes), 0);
      EXPECT_EQ(end[-1 - static_cast<int>(bytes)], std::byte{0x55});
      EXPECT_TRUE(module.traps(f + 1, {beyond, vector}));
    }
  }
}

}  // namespace
}  // namespace nebulet::test
