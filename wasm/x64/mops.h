// SPDX-License-Identifier: MIT
// The machine operations of x86-64 and what Inst::aux means for them.
#pragma once

#include <cstdint>

#include "wasm/ir/ir.h"
#include "wasm/regalloc/mir.h"

namespace nebulet::wasm::x64 {

enum class MOp : std::uint16_t {
#define NB_X64_OP(name, ...) name,
#include "wasm/x64/mops.def"
#undef NB_X64_OP
};

/// Operands of an instruction, in order: registers, then the r/m operand (a register, a slot, or the
/// registers of an address: base, index), then definitions. `[a rm]` names uses, `>` the definition.
enum class Shape : std::uint8_t {
  alu,               ///< [a rm] > reuse a
  alu_imm,           ///< [a] > reuse a; imm
  unary,             ///< [a] > reuse a
  shift_imm,         ///< [a] > reuse a; imm8
  shift_cl,          ///< [a cl] > reuse a
  load,              ///< [rm] > r
  load_imm,          ///< [rm] > r; imm
  cmp,               ///< [a rm]
  cmp_imm,           ///< [rm]; imm
  store,             ///< [a rm]: rm is written, or compared with a
  store_imm,         ///< [rm]; imm
  mul_div,           ///< [rax (rdx) rm] > rax, rdx
  plain,             ///< nothing but the opcode
  mulx,              ///< [rdx rm] > r
  mulx_wide,         ///< [rdx rm] > low, high
  exchange,          ///< [a rm] > reuse a: rm is read and written too
  compare_exchange,  ///< [rax a rm] > rax: rm likewise
  vex_rvm,           ///< [a rm] > r
  vex_rvm_cc,        ///< [a rm] > r; condition field as imm8
  vex_rm_imm,        ///< [rm] > r; imm8
  vex_unary,         ///< [a] > r
  vex_unary_cc,      ///< [a] > r; condition field as imm8
  vex_rvm_imm,       ///< [a rm] > r; imm8
  vex_blend,         ///< [a mask rm] > r
  vex_from_int,      ///< [rm] > r; the result is zeroed first, against a false dependency
  vex_load,          ///< [rm] > r
  vex_store,         ///< [a rm]
  vex_store_imm,     ///< [a rm]; imm8
  vex_reverse,       ///< [a] > rm
  vex_reverse_imm,   ///< [a] > rm; imm8
  vex_shift_imm,     ///< [a] > r; imm8
  vex_cmp,           ///< [a rm]
  vex_zero,          ///< > r
  custom,
};

enum class Width : std::uint8_t {
  none,
  sized,   ///< legacy: 1, 2, 4, 8 bytes by opcode bit 0, 66, REX.W
  vex_w,   ///< VEX.W for 8 bytes
  vex_w0,  ///< VEX.W = 0
  scalar,  ///< prefix f3 for 4 bytes, f2 for 8
  packed,  ///< no prefix for 4 bytes, 66 for 8
};

struct MOpInfo {
  const char* name;
  Shape shape;
  std::uint8_t prefix, map, opcode, ext;
  Width width;
};
const MOpInfo& info(MOp op);

/// Condition codes in the processor's encoding, and the two that need the parity flag for unordered operands.
enum class Cond : std::uint8_t {
  o,
  no,
  b,
  ae,
  e,
  ne,
  be,
  a,
  s,
  ns,
  p,
  np,
  l,
  ge,
  le,
  g,
  ordered_e,     ///< e and np
  unordered_ne,  ///< ne or p
};
constexpr Cond negate(Cond c) {
  return c == Cond::ordered_e      ? Cond::unordered_ne
         : c == Cond::unordered_ne ? Cond::ordered_e
                                   : static_cast<Cond>(static_cast<unsigned>(c) ^ 1);
}
/// The condition with the operands of the comparison exchanged.
Cond exchange(Cond c);

/// What the r/m operand is.
enum class MemKind : std::uint8_t {
  none,      ///< a register or a spill slot
  wrap,      ///< form A: gs, 32-bit address
  linear,    ///< form B: gs, 64-bit base and displacement
  based,     ///< [base + index + disp]: base of a slot, index below 2^32
  linear64,  ///< [gs: base + disp], base is compared with 2^34 first
  based64,   ///< [base + index + disp], index is compared with 2^34 first
  address,   ///< lea
  context,   ///< [r15 + disp]
  pointer,   ///< [base + disp]
  cell,      ///< cell of a function in segments
  incoming,  ///< stack argument of this function, or its stack result
  outgoing,  ///< stack argument of a callee, or a result that it left
  constant,  ///< imm in rodata: constant_bytes of it; has_wide_constant: 4 words of the pool from disp on
};

/// Inst::aux, packed.
struct Aux {
  std::uint32_t bits = 0;
  constexpr Aux() = default;
  constexpr explicit Aux(std::uint32_t b) : bits(b) {}
  static constexpr Aux size(unsigned bytes) {
    return Aux(bytes == 1 ? 0u : bytes == 2 ? 1u : bytes == 4 ? 2u : 3u);
  }
  constexpr unsigned size() const { return 1u << (bits & 3); }
  constexpr Aux cond(Cond c) const { return Aux((bits & ~(31u << 2)) | static_cast<std::uint32_t>(c) << 2); }
  constexpr Cond cond() const { return static_cast<Cond>((bits >> 2) & 31); }
  constexpr Aux mem(MemKind k) const {
    return Aux((bits & ~(15u << 8)) | static_cast<std::uint32_t>(k) << 8);
  }
  constexpr MemKind mem() const { return static_cast<MemKind>((bits >> 8) & 15); }
  constexpr Aux base() const { return Aux(bits | 1u << 12); }
  constexpr bool has_base() const { return bits & 1u << 12; }
  constexpr Aux index(unsigned shift) const { return Aux(bits | 1u << 13 | shift << 14); }
  constexpr bool has_index() const { return bits & 1u << 13; }
  constexpr unsigned scale() const { return (bits >> 14) & 3; }
  constexpr Aux trap(ir::Trap t) const { return Aux(bits | 1u << 16 | static_cast<std::uint32_t>(t) << 17); }
  constexpr bool has_trap() const { return bits & 1u << 16; }
  constexpr ir::Trap trap() const { return static_cast<ir::Trap>((bits >> 17) & 31); }
  constexpr Aux constant_bytes(unsigned n) const {
    return Aux((bits & ~(3u << 22)) | (n == 4 ? 0u : n == 8 ? 1u : 2u) << 22);
  }
  constexpr Aux wide_constant() const { return Aux(bits | 3u << 22); }
  constexpr bool has_wide_constant() const { return ((bits >> 22) & 3) == 3; }
  constexpr unsigned constant_bytes() const { return 4u << ((bits >> 22) & 3); }
  /// mov_imm may set the flags.
  constexpr Aux flags_dead() const { return Aux(bits | 1u << 24); }
  constexpr bool has_flags_dead() const { return bits & 1u << 24; }
  /// The access to memory is atomic.
  constexpr Aux lock() const { return Aux(bits | 1u << 25); }
  constexpr bool has_lock() const { return bits & 1u << 25; }
};

}  // namespace nebulet::wasm::x64
