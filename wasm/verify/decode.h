// SPDX-License-Identifier: MIT
// The verifier's own decoder: a whitelist of instructions and, for each, what the rules need to know. Bytes
// that are not in legacy.def or vex.def do not decode. Prefixes are taken once each and only where they mean
// something.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nebulet::wasm::verify {

/// What the rules treat apart from the rest. `sub` of an Insn refines it.
enum class Kind : std::uint8_t {
  plain,
  nop,
  mov,      ///< register or memory to register, register to memory
  mov_imm,  ///< immediate to register or memory
  alu,      ///< two operands; sub is Alu
  alu_imm,  ///< with an immediate; sub is Alu
  test,     ///< test r/m, r
  shl,      ///< by an immediate
  shr,      ///< by an immediate
  xchg,
  xadd,     ///< with a lock prefix only
  cmpxchg,  ///< likewise; leaves rax as it was if the comparison succeeds
  lea,
  movsxd,
  small,  ///< writes a gpr with a value below 2^32 whatever its size
  undef,  ///< a 32-bit definition that may leave the upper half unchanged
  div,
  cmov,  ///< sub is the condition
  jcc,   ///< sub is the condition
  jmp,
  call,
  call_mem,
  jmp_rm,
  ret,
  ud2,
  int3,
};

enum Alu : std::uint8_t { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };
enum Condition : std::uint8_t { kBelow = 2, kAboveEqual = 3, kNotEqual = 5 };

enum Gpr : std::uint8_t {
  kRax = 0,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};
constexpr std::uint8_t kNone = 0xff;
constexpr std::uint8_t kRip = 0x80;

/// A memory operand; base and index are gprs or kNone, base may be kRip.
struct Mem {
  std::uint8_t base = kNone, index = kNone;
  std::uint8_t scale = 0;  ///< log2
  bool gs = false;
  bool addr32 = false;               ///< 0x67
  bool read = false, write = false;  ///< neither: an address that is not accessed (lea, nop)
  std::uint8_t width = 0;            ///< bytes that may be touched
  std::int32_t disp = 0;
};

struct Insn {
  std::uint8_t length = 0;
  Kind kind = Kind::plain;
  std::uint8_t sub = 0;
  bool atomic = false;       ///< a locked access to memory
  std::uint8_t size = 0;     ///< operand size in bytes
  std::uint8_t reg = kNone;  ///< gpr in ModRM.reg or in the opcode, kNone if there is none
  std::uint8_t rm = kNone;   ///< gpr in ModRM.rm; kNone for memory
  bool reg_is_dst = false;   ///< of reg and rm, reg is the destination
  bool has_mem = false;
  std::uint16_t named = 0;    ///< gprs named by register operands, not by addresses
  std::uint16_t written = 0;  ///< gprs written, wholly or in part
  std::uint16_t zeroed = 0;   ///< of these, the ones whose upper 32 bits become 0
  std::uint16_t kept = 0;     ///< of these, the ones whose upper 32 bits stay as they were
  Mem mem;
  std::int64_t imm = 0;  ///< immediate, sign-extended; a branch's distance
};

/// Decodes the instruction at `bytes`, of which `available` may be read. False if it is not on the list.
bool decode(const std::uint8_t* bytes, std::size_t available, Insn& out);

}  // namespace nebulet::wasm::verify
