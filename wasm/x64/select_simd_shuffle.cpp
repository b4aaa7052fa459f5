// SPDX-License-Identifier: MIT
// Shuffles by pattern. An optimizer has made their form regular: with one input the indices are below 16 and
// both operands the same; with two, both are used.
#include <algorithm>

#include "wasm/x64/selector_simd.h"

namespace nebulet::wasm::x64 {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

/// Indices of lanes of `width` bytes, if the shuffle moves such lanes as a whole.
template <unsigned width>
bool as_lanes(const Bytes& bytes, std::array<std::uint8_t, 16 / width>& lanes) {
  for (unsigned i = 0; i < 16 / width; ++i) {
    if (bytes[i * width] % width != 0) return false;
    for (unsigned k = 1; k < width; ++k)
      if (bytes[i * width + k] != bytes[i * width] + k) return false;
    lanes[i] = bytes[i * width] / width;
  }
  return true;
}

/// The immediate of a shuffle of four lanes.
std::int64_t order_of(const std::array<std::uint8_t, 4>& lanes) {
  return (lanes[0] & 3) | (lanes[1] & 3) << 2 | (lanes[2] & 3) << 4 | (lanes[3] & 3) << 6;
}

struct Unpack {
  MOp op;
  std::uint8_t width;
  bool high;
};
constexpr Unpack kUnpacks[] = {{MOp::vpunpcklqdq, 8, false}, {MOp::vpunpckhqdq, 8, true},
                               {MOp::vpunpckldq, 4, false},  {MOp::vpunpckhdq, 4, true},
                               {MOp::vpunpcklwd, 2, false},  {MOp::vpunpckhwd, 2, true},
                               {MOp::vpunpcklbw, 1, false},  {MOp::vpunpckhbw, 1, true}};

/// Whether the shuffle interleaves halves of two inputs, the second of which begins at index `second`.
bool interleaves(const Bytes& bytes, const Unpack& unpack, unsigned first, unsigned second) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned lane = i / unpack.width, within = i % unpack.width;
    const unsigned at = lane / 2 * unpack.width + within + (unpack.high ? 8 : 0);
    if (bytes[i] != at + (lane % 2 ? second : first)) return false;
  }
  return true;
}

/// Whether the bytes follow each other in a ring of `size`.
bool is_rotation(const Bytes& bytes, unsigned size) {
  for (unsigned i = 1; i < 16; ++i)
    if (bytes[i] != (bytes[0] + i) % size) return false;
  return true;
}

/// Zero-extensions of low lanes: `from` bytes of every lane of `to` bytes are kept.
struct Extension {
  MOp op;
  std::uint8_t from, to;
};
constexpr Extension kExtensions[] = {{MOp::vpmovzxbw, 1, 2}, {MOp::vpmovzxbd, 1, 4}, {MOp::vpmovzxbq, 1, 8},
                                     {MOp::vpmovzxwd, 2, 4}, {MOp::vpmovzxwq, 2, 8}, {MOp::vpmovzxdq, 4, 8}};

/// `bytes`: indices of one input, negative where the result is 0.
bool extends(const Bytes& bytes, const Extension& extension) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned within = i % extension.to;
    const bool kept = within < extension.from;
    if (kept ? bytes[i] != i / extension.to * extension.from + within : bytes[i] < 0x80) return false;
  }
  return true;
}

constexpr std::uint8_t kAny = 0x80;  ///< a lane that does not matter

}  // namespace

/// A shuffle of one input in one instruction that needs no constant in memory.
bool VectorSelector::shuffle_one(Value v, const Bytes& bytes, VReg def) {
  std::array<std::uint8_t, 4> dwords;
  if (as_lanes<4>(bytes, dwords)) {
    one_imm(MOp::vpshufd, operand(v), order_of(dwords), def);
    return true;
  }
  std::array<std::uint8_t, 8> words;
  if (as_lanes<2>(bytes, words)) {
    const auto half_in_place = [&](unsigned from) {
      for (unsigned i = from; i < from + 4; ++i)
        if (words[i] != i) return false;
      return true;
    };
    const auto within = [&](unsigned from) {
      return std::all_of(&words[from], &words[from] + 4, [&](unsigned w) { return w / 4 == from / 4; });
    };
    if (half_in_place(4) && within(0)) {
      one_imm(MOp::vpshuflw, operand(v), order_of({words[0], words[1], words[2], words[3]}), def);
      return true;
    }
    if (half_in_place(0) && within(4)) {
      one_imm(MOp::vpshufhw, operand(v), order_of({words[4], words[5], words[6], words[7]}), def);
      return true;
    }
    if (std::all_of(words.begin(), words.end(), [](unsigned w) { return w == 0; })) {
      one(MOp::vpbroadcastw, in(reg(v), 2), def);
      return true;
    }
  }
  if (std::all_of(bytes.begin(), bytes.end(), [](unsigned b) { return b == 0; })) {
    one(MOp::vpbroadcastb, in(reg(v), 1), def);
    return true;
  }
  if (is_rotation(bytes, 16)) {
    two_imm(MOp::vpalignr, reg(v), in(reg(v)), bytes[0], def);
    return true;
  }
  for (const Unpack& unpack : kUnpacks) {
    if (!interleaves(bytes, unpack, 0, 0)) continue;
    two(unpack.op, reg(v), reg(v), def);
    return true;
  }
  return false;
}

/// The lanes of one input that matter, in their places.
VReg VectorSelector::permuted(Value v, const Bytes& lanes) {
  Bytes complete = lanes;
  bool untouched = true;
  for (unsigned i = 0; i < 16; ++i) {
    if (lanes[i] != kAny && lanes[i] != i) untouched = false;
    if (lanes[i] == kAny) complete[i] = static_cast<std::uint8_t>(i);
  }
  if (untouched) return reg(v);
  // What does not matter is chosen so that lanes are moved as a whole, if possible.
  Bytes wide = lanes;
  bool by_dwords = true;
  for (unsigned d = 0; d < 4; ++d) {
    std::uint8_t from = kAny;
    for (unsigned k = 0; k < 4; ++k) {
      const std::uint8_t lane = lanes[d * 4 + k];
      if (lane == kAny) continue;
      if (lane % 4 != k || (from != kAny && from != lane / 4)) by_dwords = false;
      from = lane / 4;
    }
    for (unsigned k = 0; k < 4; ++k)
      wide[d * 4 + k] = static_cast<std::uint8_t>((from == kAny ? d : from) * 4 + k);
  }
  const VReg def = make();
  if (by_dwords && shuffle_one(v, wide, def)) return def;
  if (shuffle_one(v, complete, def)) return def;
  return two(MOp::vpshufb, reg(v), constant(ir::Bits128::of(lanes)), def);
}

/// A shuffle of two inputs in one instruction.
bool VectorSelector::shuffle_two(Value a, Value b, const Bytes& bytes) {
  std::array<std::uint8_t, 8> words;
  std::array<std::uint8_t, 4> dwords;
  // Each lane stays in its place.
  if (std::all_of(bytes.begin(), bytes.end(),
                  [&](const std::uint8_t& x) { return x % 16 == &x - bytes.data(); })) {
    std::int64_t mask = 0;
    if (as_lanes<4>(bytes, dwords)) {
      for (unsigned i = 0; i < 4; ++i) mask |= (dwords[i] >= 4) << i;
      two_imm(MOp::vpblendd, reg(a), operand(b), mask, def_);
    } else if (as_lanes<2>(bytes, words)) {
      for (unsigned i = 0; i < 8; ++i) mask |= (words[i] >= 8) << i;
      two_imm(MOp::vpblendw, reg(a), operand(b), mask, def_);
    } else {
      Bytes choice;
      for (unsigned i = 0; i < 16; ++i) choice[i] = bytes[i] >= 16 ? 0xff : 0;
      const VReg left = reg(a), right = reg(b);
      blend(left, in_register(ir::Bits128::of(choice)), right, def_);
    }
    return true;
  }
  for (const Unpack& unpack : kUnpacks) {
    if (interleaves(bytes, unpack, 0, 16)) {
      two(unpack.op, reg(a), operand(b), def_);
      return true;
    }
    if (interleaves(bytes, unpack, 16, 0)) {
      two(unpack.op, reg(b), operand(a), def_);
      return true;
    }
  }
  if (is_rotation(bytes, 32)) {
    // Bytes from a, then from b; or the other way round.
    if (bytes[0] < 16)
      two_imm(MOp::vpalignr, reg(b), operand(a), bytes[0], def_);
    else
      two_imm(MOp::vpalignr, reg(a), operand(b), bytes[0] - 16, def_);
    return true;
  }
  if (as_lanes<4>(bytes, dwords)) {
    const auto from = [&](unsigned i) { return dwords[i] / 4; };
    if (from(0) == from(1) && from(2) == from(3) && from(0) != from(2)) {
      const Value first = from(0) == 0 ? a : b, second = from(0) == 0 ? b : a;
      two_imm(MOp::vshufps, reg(first), operand(second), order_of(dwords), def_);
      return true;
    }
  }
  return false;
}

void VectorSelector::shuffle() {
  const Bytes bytes = ir::shuffle_indices(*inst_);
  const Value a = inst_->a, b = inst_->b;
  if (s_.resolve(a) == s_.resolve(b)) {
    Bytes one_input;
    for (unsigned i = 0; i < 16; ++i) one_input[i] = bytes[i] & 15;
    if (shuffle_one(a, one_input, def_)) return;
    two(MOp::vpshufb, reg(a), constant(ir::Bits128::of(one_input)), def_);
    return;
  }
  ir::Bits128 bits;
  const bool a_is_zero = constant_bits(a, bits) && bits == ir::Bits128{};
  const bool b_is_zero = constant_bits(b, bits) && bits == ir::Bits128{};
  if (shuffle_two(a, b, bytes)) return;
  Bytes of_a, of_b;
  for (unsigned i = 0; i < 16; ++i) {
    of_a[i] = bytes[i] < 16 ? bytes[i] : kAny;
    of_b[i] = bytes[i] >= 16 ? bytes[i] & 15 : kAny;
  }
  // vpshufb makes lanes 0 whose index is negative.
  if (a_is_zero || b_is_zero) {
    const VReg input = reg(a_is_zero ? b : a);
    const Bytes& of_input = a_is_zero ? of_b : of_a;
    for (const Extension& extension : kExtensions) {
      if (!extends(of_input, extension)) continue;
      one(extension.op, in(input, 16u / extension.to * extension.from), def_);
      return;
    }
    two(MOp::vpshufb, input, constant(ir::Bits128::of(of_input)), def_);
    return;
  }
  std::array<std::uint8_t, 8> words;
  if (as_lanes<2>(bytes, words)) {
    const VReg left = permuted(a, of_a), right = permuted(b, of_b);
    std::int64_t mask = 0;
    for (unsigned i = 0; i < 8; ++i) mask |= (words[i] >= 8) << i;
    two_imm(MOp::vpblendw, left, in(right), mask, def_);
    return;
  }
  const VReg left = two(MOp::vpshufb, reg(a), constant(ir::Bits128::of(of_a)));
  const VReg right = two(MOp::vpshufb, reg(b), constant(ir::Bits128::of(of_b)));
  two(MOp::vpor, left, right, def_);
}

void VectorSelector::swizzle() {
  ir::Bits128 bits;
  const VReg a = reg(inst_->a);
  if (constant_bits(inst_->b, bits)) {
    Bytes bytes = bits.bytes();
    if (inst_->op == Op::vswizzle)
      for (std::uint8_t& index : bytes) index = index < 16 ? index : kAny;
    two(MOp::vpshufb, a, constant(ir::Bits128::of(bytes)), def_);
    return;
  }
  if (inst_->op == Op::vswizzle_relaxed) {
    two(MOp::vpshufb, a, operand(inst_->b), def_);
    return;
  }
  // Indices of 16 and more become negative.
  const VReg indices = reg(inst_->b);
  two(MOp::vpshufb, a, two(MOp::vpaddusb, indices, repeat8(0x70)), def_);
}

}  // namespace nebulet::wasm::x64
