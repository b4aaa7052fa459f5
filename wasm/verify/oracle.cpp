// SPDX-License-Identifier: MIT
#include "wasm/verify/oracle.h"

#include <Zydis/Zydis.h>

namespace nebulet::wasm::verify {
namespace {

const ZydisDecoder& decoder() {
  static const ZydisDecoder instance = [] {
    ZydisDecoder d;
    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return d;
  }();
  return instance;
}

bool is_gpr(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64: return true;
    default: return false;
  }
}

std::uint8_t number(ZydisRegister reg) {
  if (reg == ZYDIS_REGISTER_NONE) return kNone;
  if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) return kRip;
  const ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  return static_cast<std::uint8_t>(wide - ZYDIS_REGISTER_RAX);
}

bool forbidden(const ZydisDecodedInstruction& z) {
  switch (z.meta.category) {
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_STRINGOP:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_X87_ALU:
    case ZYDIS_CATEGORY_MMX:
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_AVX2GATHER: return true;
    case ZYDIS_CATEGORY_INTERRUPT: return z.mnemonic != ZYDIS_MNEMONIC_UD2;
    default: break;
  }
  if (z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return true;
  if (z.attributes & (ZYDIS_ATTRIB_IS_PRIVILEGED | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE |
                      ZYDIS_ATTRIB_HAS_SEGMENT_FS))
    return true;
  return z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && z.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX;
}

std::string compare_memory(const Insn& insn, const ZydisDecodedInstruction& z,
                           const ZydisDecodedOperand& op) {
  const Mem& mem = insn.mem;
  if (!insn.has_mem) return "memory operand was overlooked";
  if (number(op.mem.base) != mem.base) return "base";
  if (number(op.mem.index) != mem.index) return "index";
  if (mem.index != kNone && op.mem.scale != 1 << mem.scale) return "scale";
  if ((op.mem.disp.has_displacement ? op.mem.disp.value : 0) != mem.disp) return "displacement";
  if ((z.address_width == 32) != mem.addr32) return "address size";
  const bool accesses = op.mem.type == ZYDIS_MEMOP_TYPE_MEM && z.mnemonic != ZYDIS_MNEMONIC_NOP;
  if (!accesses) return mem.read || mem.write || mem.gs ? "an address that is not accessed" : "";
  if ((op.mem.segment == ZYDIS_REGISTER_GS) != mem.gs) return "segment";
  if (op.size != mem.width * 8u) return "width";
  if (((op.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0) != mem.read) return "read";
  if (((op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) != mem.write) return "write";
  return "";
}

}  // namespace

std::string disagreement(std::span<const std::uint8_t> bytes, const Insn& insn) {
  ZydisDecodedInstruction z;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &z, operands)))
    return "not an instruction";
  if (z.length != insn.length) return "length";
  if (forbidden(z)) return "forbidden kind of instruction";
  const bool exchanges = z.mnemonic == ZYDIS_MNEMONIC_XCHG && insn.has_mem;
  if (((z.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0 || exchanges) != insn.atomic) return "lock";
  if (z.cpu_flags) {
    constexpr ZydisAccessedFlagsMask kSystem = ZYDIS_CPUFLAG_TF | ZYDIS_CPUFLAG_IF | ZYDIS_CPUFLAG_DF |
                                               ZYDIS_CPUFLAG_IOPL | ZYDIS_CPUFLAG_NT | ZYDIS_CPUFLAG_AC;
    if ((z.cpu_flags->modified | z.cpu_flags->set_0 | z.cpu_flags->set_1 | z.cpu_flags->undefined) & kSystem)
      return "writes a system flag";
  }
  const bool uses_stack = insn.kind == Kind::call || insn.kind == Kind::call_mem || insn.kind == Kind::ret;
  std::uint16_t written = 0, zeroed = 0, kept = 0;
  bool memory = false;
  for (unsigned i = 0; i < z.operand_count; i++) {
    const ZydisDecodedOperand& op = operands[i];
    const bool is_explicit = op.visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT;
    if (op.type == ZYDIS_OPERAND_TYPE_POINTER) return "far pointer";
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      if (!is_explicit) {
        if (!uses_stack) return "hidden memory operand";
        continue;
      }
      if (memory) return "two memory operands";
      memory = true;
      if (std::string why = compare_memory(insn, z, op); !why.empty()) return why;
    }
    if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    if (op.reg.value == ZYDIS_REGISTER_RIP || op.reg.value == ZYDIS_REGISTER_RFLAGS) continue;
    if (!is_gpr(op.reg.value)) {
      const ZydisRegisterClass cls = ZydisRegisterGetClass(op.reg.value);
      if (cls == ZYDIS_REGCLASS_XMM || cls == ZYDIS_REGCLASS_YMM || cls == ZYDIS_REGCLASS_FLAGS) continue;
      if (op.reg.value == ZYDIS_REGISTER_MXCSR) continue;
      return "register of an unexpected class";
    }
    const std::uint8_t n = number(op.reg.value);
    if (n > 15) return "register number";
    if (uses_stack && n == kRsp && !is_explicit) continue;
    if (is_explicit && !((insn.named >> n) & 1) && !(n <= kRdx)) return "register operand was overlooked";
    if (!(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) continue;
    const auto bit = static_cast<std::uint16_t>(1u << n);
    written |= bit;
    if (op.size == 32) zeroed |= bit;
    if (op.size < 32) kept |= bit;
  }
  if (memory != insn.has_mem) return "memory operand that is none";
  if (written != insn.written) return "written registers";
  if (kept != insn.kept) return "partially written registers";
  // What is below 2^32 by the nature of the operation: zero extensions, counts and masks.
  bool small = insn.kind == Kind::small;
  switch (z.mnemonic) {
    case ZYDIS_MNEMONIC_VMOVMSKPS:
    case ZYDIS_MNEMONIC_VMOVMSKPD:
    case ZYDIS_MNEMONIC_VPMOVMSKB:
    case ZYDIS_MNEMONIC_VPEXTRB:
    case ZYDIS_MNEMONIC_VPEXTRW: small = true; break;
    default: break;
  }
  if (small && z.mnemonic != ZYDIS_MNEMONIC_MOVZX && z.mnemonic != ZYDIS_MNEMONIC_POPCNT &&
      z.mnemonic != ZYDIS_MNEMONIC_LZCNT && z.mnemonic != ZYDIS_MNEMONIC_TZCNT && insn.kind == Kind::small)
    return "result is not known to be small";
  if (insn.zeroed & ~(zeroed | (small ? written & ~kept : 0))) return "upper half is not known to be zero";
  return "";
}

}  // namespace nebulet::wasm::verify
