// SPDX-License-Identifier: MIT
// Selection of vector operations: one object for each instruction that is lowered. The last machine
// instruction of a sequence defines `def`; all others define registers of their own. A memory operand has
// exactly the width that the machine instruction reads.
#pragma once

#include <array>

#include "wasm/ir/vector.h"
#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {

using ir::Lanes;

class VectorSelector {
 public:
  explicit VectorSelector(Selector& selector) : s_(selector) {}

  void lower(Value v, const ir::Inst& inst);

 private:
  using Bytes = std::array<std::uint8_t, 16>;

  // Machine instructions; `def` none: a new register.
  VReg make() { return s_.new_vreg(Type::v128); }
  VReg or_new(VReg def) { return def.valid() ? def : make(); }
  VReg two(MOp op, VReg a, const Source& b, VReg def = VReg(), unsigned size = 4);
  VReg two(MOp op, VReg a, VReg b, VReg def = VReg(), unsigned size = 4) {
    return two(op, a, in(b), def, size);
  }
  VReg two_imm(MOp op, VReg a, const Source& b, std::int64_t imm, VReg def = VReg(), unsigned size = 4);
  VReg one(MOp op, const Source& a, VReg def = VReg(), unsigned size = 4);
  VReg one(MOp op, VReg a, VReg def = VReg(), unsigned size = 4) { return one(op, in(a), def, size); }
  VReg one_imm(MOp op, const Source& a, std::int64_t imm, VReg def = VReg());
  VReg shift(MOp op, VReg a, std::int64_t count, VReg def = VReg());
  VReg compare(unsigned predicate, unsigned size, VReg a, const Source& b, VReg def = VReg());
  VReg blend(VReg otherwise, VReg mask, VReg chosen, VReg def = VReg(), MOp op = MOp::vpblendvb);
  VReg zero();
  VReg ones();
  VReg in_register(ir::Bits128 bits);
  Source constant(ir::Bits128 bits);
  Source repeat8(std::uint8_t x) { return repeat32(x * 0x01010101u); }
  Source repeat16(std::uint16_t x) { return repeat32(x * 0x00010001u); }
  Source repeat32(std::uint32_t x) { return repeat64(std::uint64_t{x} << 32 | x); }
  Source repeat64(std::uint64_t x) { return constant({x, x}); }

  // Operands.
  VReg reg(Value v) { return s_.vreg(v); }
  /// A register, or its slot, of which `bytes` are read.
  Source in(VReg v, unsigned bytes = 16) const { return s_.reg_operand(v, bytes); }
  /// For instructions without a form that reads memory.
  static Source only_register(VReg v);
  const ir::Inst& at(Value v) const { return s_.at(s_.resolve(v)); }
  bool constant_bits(Value v, ir::Bits128& bits) const;
  /// A load, a constant or a register of 16 bytes.
  Source operand(Value v);
  /// The low 8 bytes of a vector: from memory if it is made of just these.
  Source low_half(Value v);
  bool in_memory(Value v) const;
  bool is_mask(Value v, int depth = 0) const;

  // select_simd.cpp
  void binary(MOp op, bool commutative, unsigned size = 4);
  void invert(VReg a) { two(MOp::vpxor, a, repeat64(~0ull), def_); }
  void bitwise();
  void test();
  void integer();
  void compare_integers();

  // select_simd_lanes.cpp
  void splat();
  void scalar();
  void extract();
  void replace();

  // select_simd_int.cpp
  void shift();
  void shift_bytes(bool by_constant, unsigned count);
  void absolute();
  void multiply_i64();
  void multiply_i32();
  unsigned significant_bits(Value v, Lanes lanes, int depth = 0) const;
  void extend();
  VReg extended(Value v, bool high, bool is_signed, Lanes lanes, VReg def = VReg());
  void extended_product();
  void extended_sum();
  void population();

  // select_simd_float.cpp
  void floating();
  void min_max();
  void convert();
  void truncate();

  // select_simd_shuffle.cpp
  void shuffle();
  void swizzle();
  bool shuffle_one(Value v, const Bytes& lanes, VReg def);
  VReg permuted(Value v, const Bytes& lanes);
  bool shuffle_two(Value a, Value b, const Bytes& lanes);

  Selector& s_;
  const ir::Inst* inst_ = nullptr;
  VReg def_;
  Lanes lanes_ = Lanes::all;
  std::uint16_t unread_ = 0;  ///< bytes of the result that nobody reads
};

}  // namespace nebulet::wasm::x64
