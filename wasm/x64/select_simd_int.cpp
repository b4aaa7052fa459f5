// SPDX-License-Identifier: MIT
// Integer lanes where the processor has no instruction for the shape: shifts of bytes, 64-bit lanes,
// widening.
#include <algorithm>
#include <bit>

#include "wasm/x64/selector_simd.h"

namespace nebulet::wasm::x64 {

// Counts are taken modulo the lane's width. A constant count of 0 was removed before.
void VectorSelector::shift() {
  const unsigned bits = ir::lane_bytes(lanes_) * 8;
  std::int64_t c = 0;
  const bool by_constant = s_.constant(inst_->b, c);
  const auto count = static_cast<unsigned>(c) & (bits - 1);
  if (lanes_ == Lanes::i8x16) return shift_bytes(by_constant, count);
  const unsigned n = static_cast<unsigned>(lanes_) - 1;
  const bool left = inst_->op == Op::vshl, arithmetic = inst_->op == Op::vshr_s;
  const VReg a = reg(inst_->a);
  if (by_constant) {
    constexpr MOp kLeft[] = {MOp::vpsllw_i, MOp::vpslld_i, MOp::vpsllq_i};
    constexpr MOp kRight[] = {MOp::vpsrlw_i, MOp::vpsrld_i, MOp::vpsrlq_i};
    constexpr MOp kSigned[] = {MOp::vpsraw_i, MOp::vpsrad_i};
    if (!arithmetic || n < 2) {
      shift(left ? kLeft[n] : arithmetic ? kSigned[n] : kRight[n], a, count, def_);
    } else if (count == 63) {
      two(MOp::vpcmpgtq, zero(), a, def_);
    } else {
      // The sign is extended by (x ^ m) - m, with m the place where it is now.
      const VReg logical = shift(MOp::vpsrlq_i, a, count);
      const std::uint64_t sign = std::uint64_t{1} << (63 - count);
      two(MOp::vpsubq, two(MOp::vpxor, logical, repeat64(sign)), repeat64(sign), def_);
    }
    return;
  }
  constexpr MOp kLeft[] = {MOp::vpsllw, MOp::vpslld, MOp::vpsllq};
  constexpr MOp kRight[] = {MOp::vpsrlw, MOp::vpsrld, MOp::vpsrlq};
  constexpr MOp kSigned[] = {MOp::vpsraw, MOp::vpsrad};
  const VReg low = s_.op_imm(MOp::and_ri, 4, reg(inst_->b), bits - 1);
  const VReg by = one(MOp::vmov_from_gpr, in(low, 4));
  if (!arithmetic || n < 2) {
    two(left ? kLeft[n] : arithmetic ? kSigned[n] : kRight[n], a, by, def_);
    return;
  }
  const VReg logical = two(MOp::vpsrlq, a, by);
  const VReg sign = two(MOp::vpsrlq, in_register({std::uint64_t{1} << 63, std::uint64_t{1} << 63}), by);
  two(MOp::vpsubq, two(MOp::vpxor, logical, sign), sign, def_);
}

void VectorSelector::shift_bytes(bool by_constant, unsigned count) {
  const VReg a = reg(inst_->a);
  const bool left = inst_->op == Op::vshl, arithmetic = inst_->op == Op::vshr_s;
  if (by_constant) {
    if (left && count == 1) {
      two(MOp::vpaddb, a, a, def_);
    } else if (left) {
      two(MOp::vpand, shift(MOp::vpsllw_i, a, count), repeat8(static_cast<std::uint8_t>(0xff << count)),
          def_);
    } else if (arithmetic && count == 7) {
      two(MOp::vpcmpgtb, zero(), a, def_);
    } else {
      const auto kept = static_cast<std::uint8_t>(0xff >> count),
                 sign = static_cast<std::uint8_t>(0x80 >> count);
      const VReg logical =
          two(MOp::vpand, shift(MOp::vpsrlw_i, a, count), repeat8(kept), arithmetic ? VReg() : def_);
      if (arithmetic) two(MOp::vpsubb, two(MOp::vpxor, logical, repeat8(sign)), repeat8(sign), def_);
    }
    return;
  }
  const VReg low = s_.op_imm(MOp::and_ri, 4, reg(inst_->b), 7);
  if (left) {
    const VReg by = one(MOp::vmov_from_gpr, in(low, 4));
    const VReg shifted = two(MOp::vpsllw, a, by), mask = two(MOp::vpsllw, ones(), by);
    two(MOp::vpand, shifted, one(MOp::vpbroadcastb, in(mask, 1)), def_);
    return;
  }
  // Each byte in the upper half of a word.
  const VReg by = one(MOp::vmov_from_gpr, in(s_.op_imm(MOp::add_ri, 4, low, 8), 4));
  const MOp op = arithmetic ? MOp::vpsraw : MOp::vpsrlw;
  const VReg first = two(op, two(MOp::vpunpcklbw, a, a), by);
  const VReg second = two(op, two(MOp::vpunpckhbw, a, a), by);
  two(arithmetic ? MOp::vpacksswb : MOp::vpackuswb, first, second, def_);
}

void VectorSelector::absolute() {
  constexpr MOp kAbs[] = {MOp::vpabsb, MOp::vpabsw, MOp::vpabsd};
  if (lanes_ != Lanes::i64x2) {
    one(kAbs[static_cast<unsigned>(lanes_)], operand(inst_->a), def_);
    return;
  }
  const VReg a = reg(inst_->a);
  const VReg negated = two(MOp::vpsubq, zero(), a);
  blend(a, a, negated, def_, MOp::vblendv_pd);
}

// a * b = al * bl + 2^32 * (ah * bl + al * bh) modulo 2^64.
void VectorSelector::multiply_i64() {
  const VReg a = reg(inst_->a), b = reg(inst_->b);
  const VReg ah = shift(MOp::vpsrlq_i, a, 32), bh = shift(MOp::vpsrlq_i, b, 32);
  const VReg middle = two(MOp::vpaddq, two(MOp::vpmuludq, ah, b), two(MOp::vpmuludq, bh, a));
  const VReg low = two(MOp::vpmuludq, a, b);
  two(MOp::vpaddq, shift(MOp::vpsllq_i, middle, 32), low, def_);
}

/// How many low bits of each lane may be set, of 16- or 32-bit lanes. Looks at a few operands only.
unsigned VectorSelector::significant_bits(Value v, Lanes lanes, int depth) const {
  const ir::Inst& inst = at(v);
  const unsigned width = ir::lane_bytes(lanes), bits = width * 8;
  const auto of_bytes = [&](auto may_be_set) {
    unsigned highest = 0;
    for (unsigned i = 0; i < 16; ++i)
      if (may_be_set(i) && i % width >= highest) highest = i % width + 1;
    return highest * 8;
  };
  if (inst.op == Op::vconst) {
    const Bytes bytes = ir::vector_bits(inst).bytes();
    unsigned most = 0;
    for (unsigned i = 0; i < 16; i += width) {
      std::uint32_t lane = 0;
      std::memcpy(&lane, bytes.data() + i, width);
      most = std::max(most, static_cast<unsigned>(std::bit_width(lane)));
    }
    return most;
  }
  if (depth == 3) return bits;
  const auto of = [&](Value operand) { return significant_bits(operand, lanes, depth + 1); };
  switch (inst.op) {
    case Op::vextend_low_u:
    case Op::vextend_high_u: {
      if (inst.lanes != lanes) return bits;
      const Lanes narrow = static_cast<Lanes>(static_cast<unsigned>(lanes) - 1);
      return narrow == Lanes::i8x16 ? 8 : significant_bits(inst.a, narrow, depth + 1);
    }
    case Op::vshuffle: {
      const Bytes indices = ir::shuffle_indices(inst);
      ir::Bits128 zeros;
      if (!constant_bits(inst.b, zeros) || zeros != ir::Bits128{}) return bits;
      return of_bytes([&](unsigned i) { return indices[i] < 16; });
    }
    case Op::vand: return std::min(of(inst.a), of(inst.b));
    case Op::vor:
    case Op::vxor: return std::max(of(inst.a), of(inst.b));
    case Op::vmin_u: return inst.lanes == lanes ? std::min(of(inst.a), of(inst.b)) : bits;
    case Op::vshr_u: {
      std::int64_t count = 0;
      if (inst.lanes != lanes || !s_.constant(inst.b, count)) return bits;
      return bits - (static_cast<unsigned>(count) & (bits - 1));
    }
    default: return bits;
  }
}

// The product of two lanes below 2^15 is that of their low halves, which takes half the time.
void VectorSelector::multiply_i32() {
  const bool small = significant_bits(inst_->a, lanes_) < 16 && significant_bits(inst_->b, lanes_) < 16;
  binary(small ? MOp::vpmaddwd : MOp::vpmulld, true);
}

/// The low or high lanes of `v`, widened to `lanes`.
VReg VectorSelector::extended(Value v, bool high, bool is_signed, Lanes lanes, VReg def) {
  constexpr MOp kSigned[] = {MOp::vpmovsxbw, MOp::vpmovsxwd, MOp::vpmovsxdq};
  constexpr MOp kUnsigned[] = {MOp::vpmovzxbw, MOp::vpmovzxwd, MOp::vpmovzxdq};
  constexpr MOp kUnpackHigh[] = {MOp::vpunpckhbw, MOp::vpunpckhwd, MOp::vpunpckhdq};
  const unsigned n = static_cast<unsigned>(lanes) - 1;
  if (!high) return one(is_signed ? kSigned[n] : kUnsigned[n], low_half(v), def);
  if (!is_signed) return two(kUnpackHigh[n], reg(v), only_register(zero()), def);
  const VReg moved = one_imm(MOp::vpshufd, in(reg(v)), 0xee);
  return one(kSigned[n], in(moved, 8), def);
}

void VectorSelector::extend() {
  const bool high = inst_->op == Op::vextend_high_s || inst_->op == Op::vextend_high_u;
  const bool is_signed = inst_->op == Op::vextend_low_s || inst_->op == Op::vextend_high_s;
  extended(inst_->a, high, is_signed, lanes_, def_);
}

void VectorSelector::extended_product() {
  const bool high = inst_->op == Op::vextmul_high_s || inst_->op == Op::vextmul_high_u;
  const bool is_signed = inst_->op == Op::vextmul_low_s || inst_->op == Op::vextmul_high_s;
  if (lanes_ == Lanes::i16x8) {
    const VReg a = extended(inst_->a, high, is_signed, lanes_),
               b = extended(inst_->b, high, is_signed, lanes_);
    two(MOp::vpmullw, a, b, def_);
    return;
  }
  const VReg a = reg(inst_->a), b = reg(inst_->b);
  if (lanes_ == Lanes::i32x4 && !high && !is_signed &&
      significant_bits(inst_->a, Lanes::i16x8) + significant_bits(inst_->b, Lanes::i16x8) <= 16) {
    one(MOp::vpmovzxwd, in(two(MOp::vpmullw, a, b), 8), def_);
    return;
  }
  if (lanes_ == Lanes::i32x4) {
    const VReg low = two(MOp::vpmullw, a, b), upper = two(is_signed ? MOp::vpmulhw : MOp::vpmulhuw, a, b);
    two(high ? MOp::vpunpckhwd : MOp::vpunpcklwd, low, upper, def_);
    return;
  }
  // Lanes 0, 1 or 2, 3 into the places 0 and 2, which are multiplied.
  const std::int64_t order = high ? 0xfa : 0x50;
  const VReg left = one_imm(MOp::vpshufd, in(a), order), right = one_imm(MOp::vpshufd, in(b), order);
  two(is_signed ? MOp::vpmuldq : MOp::vpmuludq, left, right, def_);
}

// Multiplications by 1 that add neighbours.
void VectorSelector::extended_sum() {
  const bool is_signed = inst_->op == Op::vextadd_s;
  const VReg a = reg(inst_->a);
  if (lanes_ == Lanes::i16x8) {
    if (is_signed)
      two(MOp::vpmaddubsw, in_register({0x0101010101010101, 0x0101010101010101}), a, def_);
    else
      two(MOp::vpmaddubsw, a, repeat8(1), def_);
    return;
  }
  if (is_signed) {
    two(MOp::vpmaddwd, a, repeat16(1), def_);
    return;
  }
  const VReg odd = shift(MOp::vpsrld_i, a, 16), even = two(MOp::vpand, a, repeat32(0xffff));
  two(MOp::vpaddd, odd, even, def_);
}

// A table of the counts of 4 bits.
void VectorSelector::population() {
  constexpr std::uint64_t kLow = 0x0302020102010100, kHigh = 0x0403030203020201;
  const VReg a = reg(inst_->a), table = in_register({kLow, kHigh});
  const VReg low = two(MOp::vpand, a, repeat8(0x0f));
  const VReg high = two(MOp::vpand, shift(MOp::vpsrlw_i, a, 4), repeat8(0x0f));
  two(MOp::vpaddb, two(MOp::vpshufb, table, low), two(MOp::vpshufb, table, high), def_);
}

}  // namespace nebulet::wasm::x64
