// SPDX-License-Identifier: MIT
// Vector constants and shuffles: how they lie in an instruction, whose own fields hold all of them, so that
// comparing the fields compares the values.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "wasm/ir/ir.h"

namespace nebulet::wasm::ir {

inline bool is_vector_op(Op op) { return op >= Op::vsplat && op <= Op::vconvert_u; }

constexpr unsigned lane_count(Lanes lanes) {
  constexpr std::uint8_t kCounts[] = {16, 8, 4, 2, 4, 2, 1};
  return kCounts[static_cast<unsigned>(lanes)];
}
constexpr unsigned lane_bytes(Lanes lanes) { return 16 / lane_count(lanes); }
constexpr bool is_float(Lanes lanes) { return lanes == Lanes::f32x4 || lanes == Lanes::f64x2; }
/// The type of a lane by itself.
constexpr Type lane_type(Lanes lanes) {
  constexpr Type kTypes[] = {Type::i32, Type::i32, Type::i32, Type::i64, Type::f32, Type::f64, Type::v128};
  return kTypes[static_cast<unsigned>(lanes)];
}

/// 128 bits.
struct Bits128 {
  std::uint64_t low = 0, high = 0;
  bool operator==(const Bits128&) const = default;
  std::array<std::uint8_t, 16> bytes() const {
    std::array<std::uint8_t, 16> b;
    std::memcpy(b.data(), &low, 8);
    std::memcpy(b.data() + 8, &high, 8);
    return b;
  }
  static Bits128 of(const std::array<std::uint8_t, 16>& b) {
    Bits128 bits;
    std::memcpy(&bits.low, b.data(), 8);
    std::memcpy(&bits.high, b.data() + 8, 8);
    return bits;
  }
};

/// vconst: the low half is `bits`, the high one `args` and `count`.
inline Inst vector_constant(Bits128 bits) {
  Inst inst{.op = Op::vconst,
            .type = Type::v128,
            .args = static_cast<std::uint32_t>(bits.high),
            .count = static_cast<std::uint32_t>(bits.high >> 32)};
  inst.bits = bits.low;
  return inst;
}
inline Bits128 vector_bits(const Inst& inst) {
  return {inst.bits, std::uint64_t{inst.count} << 32 | inst.args};
}

/// vshuffle: indices 0 … 11 are in `bits`, 5 bits each, the others in `args`.
inline Inst vector_shuffle(Value a, Value b, const std::array<std::uint8_t, 16>& indices) {
  Inst inst{.op = Op::vshuffle, .type = Type::v128, .lanes = Lanes::i8x16, .a = a, .b = b};
  for (unsigned i = 0; i < 12; ++i) inst.bits |= std::uint64_t{indices[i]} << 5 * i;
  for (unsigned i = 12; i < 16; ++i) inst.args |= std::uint32_t{indices[i]} << 5 * (i - 12);
  return inst;
}
inline std::array<std::uint8_t, 16> shuffle_indices(const Inst& inst) {
  std::array<std::uint8_t, 16> indices;
  for (unsigned i = 0; i < 12; ++i) indices[i] = inst.bits >> 5 * i & 31;
  for (unsigned i = 12; i < 16; ++i) indices[i] = inst.args >> 5 * (i - 12) & 31;
  return indices;
}

/// For the verifier: whether a vector operation's operands, result and lane have the types and range of
/// ops_simd.def.
bool has_valid_vector_types(const Function& function, const Inst& inst);

}  // namespace nebulet::wasm::ir
