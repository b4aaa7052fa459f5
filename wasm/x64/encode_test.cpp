// SPDX-License-Identifier: MIT
// Every machine operation with registers, addresses, displacements and immediates at the edges of their
// encodings, against Zydis: the bytes must mean what the operation says.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <array>
#include <format>
#include <string>
#include <vector>

#include "wasm/x64/emit.h"
#include "wasm/x64/mops.h"
#include "wasm/x64/registers.h"

namespace nebulet::wasm::x64 {
namespace {

using mir::Constraint;
using mir::Role;
using regalloc::Location;

constexpr unsigned kSizes4 = 4, kSizes8 = 8, kSizes48 = 12, kSizesAll = 15;

/// What an operation is to Zydis. Register classes: 'g' of the operand size, 'v' vector, '1' '2' '4' '8' a
/// gpr of that size.
struct Row {
  MOp op;
  const char* name4;  ///< mnemonic at 4 bytes (and 1 and 2)
  const char* name8;
  unsigned sizes;      ///< bits: the operand sizes to test
  unsigned mem_bytes;  ///< of a memory operand; 0: the operand size
  char def, a, rm;
  bool rm_register = true;  ///< the r/m operand may be a register
  bool rm_memory = true;    ///< … may be in memory
};

constexpr Row kRows[] = {
    {MOp::add_rm, "add", "add", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::adc_rm, "adc", "adc", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::sbb_rm, "sbb", "sbb", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::or_rm, "or", "or", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::and_rm, "and", "and", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::sub_rm, "sub", "sub", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::xor_rm, "xor", "xor", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::imul_rm, "imul", "imul", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::cmov, "cmov", "cmov", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::add_ri, "add", "add", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::or_ri, "or", "or", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::and_ri, "and", "and", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::sub_ri, "sub", "sub", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::xor_ri, "xor", "xor", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::imul_rmi, "imul", "imul", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::neg, "neg", "neg", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::not_, "not", "not", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::shl_ri, "shl", "shl", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::shr_ri, "shr", "shr", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::sar_ri, "sar", "sar", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::rol_cl, "rol", "rol", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::ror_cl, "ror", "ror", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::lzcnt, "lzcnt", "lzcnt", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::tzcnt, "tzcnt", "tzcnt", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::popcnt, "popcnt", "popcnt", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::andn, "andn", "andn", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::shlx, "shlx", "shlx", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::sarx, "sarx", "sarx", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::shrx, "shrx", "shrx", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::rorx, "rorx", "rorx", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::mulx, "mulx", "mulx", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::imul_high, "imul", "imul", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::div, "div", "div", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::idiv, "idiv", "idiv", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::cdq, "cdq", "cqo", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::cmp_rm, "cmp", "cmp", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::cmp_mr, "cmp", "cmp", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::cmp_ri, "cmp", "cmp", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::test_rm, "test", "test", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::test_ri, "test", "test", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::bt_ri, "bt", "bt", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::mov_rm, "mov", "mov", kSizes48, 0, 'g', 'g', 'g'},
    {MOp::movzx8, "movzx", "movzx", kSizes48, 1, 'g', 'g', '1'},
    {MOp::movzx16, "movzx", "movzx", kSizes48, 2, 'g', 'g', '2'},
    {MOp::movsx8, "movsx", "movsx", kSizes48, 1, 'g', 'g', '1'},
    {MOp::movsx16, "movsx", "movsx", kSizes48, 2, 'g', 'g', '2'},
    {MOp::movsxd, "movsxd", "movsxd", kSizes8, 4, 'g', 'g', '4'},
    {MOp::lea, "lea", "lea", kSizes48, 0, 'g', 'g', 'g', false},
    {MOp::mov_mr, "mov", "mov", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::mov_mi, "mov", "mov", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::add_mr, "add", "add", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::or_mr, "or", "or", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::and_mr, "and", "and", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::sub_mr, "sub", "sub", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::xor_mr, "xor", "xor", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::add_mi, "add", "add", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::or_mi, "or", "or", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::and_mi, "and", "and", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::sub_mi, "sub", "sub", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::xor_mi, "xor", "xor", kSizesAll, 0, 'g', 'g', 'g'},
    {MOp::vadd, "vaddss", "vaddsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vmul, "vmulss", "vmulsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vsub, "vsubss", "vsubsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vmin, "vminss", "vminsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vdiv, "vdivss", "vdivsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vmax, "vmaxss", "vmaxsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vcmp, "vcmpss", "vcmpsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vand, "vandps", "vandpd", kSizes48, 16, 'v', 'v', 'v'},
    {MOp::vandn, "vandnps", "vandnpd", kSizes48, 16, 'v', 'v', 'v'},
    {MOp::vor, "vorps", "vorpd", kSizes48, 16, 'v', 'v', 'v'},
    {MOp::vxor, "vxorps", "vxorpd", kSizes48, 16, 'v', 'v', 'v'},
    {MOp::vzero, "vxorps", "vxorpd", kSizes48, 16, 'v', 'v', 'v'},
    {MOp::vblendv_ps, "vblendvps", "vblendvps", kSizes4, 16, 'v', 'v', 'v'},
    {MOp::vblendv_pd, "vblendvpd", "vblendvpd", kSizes4, 16, 'v', 'v', 'v'},
    {MOp::vsqrt, "vsqrtss", "vsqrtsd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vround_ss, "vroundss", "vroundss", kSizes4, 0, 'v', 'v', 'v'},
    {MOp::vround_sd, "vroundsd", "vroundsd", kSizes8, 0, 'v', 'v', 'v'},
    {MOp::vcvt_ss_sd, "vcvtss2sd", "vcvtss2sd", kSizes4, 0, 'v', 'v', 'v'},
    {MOp::vcvt_sd_ss, "vcvtsd2ss", "vcvtsd2ss", kSizes8, 0, 'v', 'v', 'v'},
    {MOp::vcvt_int_ss, "vcvtsi2ss", "vcvtsi2ss", kSizes48, 0, 'v', 'v', 'g'},
    {MOp::vcvt_int_sd, "vcvtsi2sd", "vcvtsi2sd", kSizes48, 0, 'v', 'v', 'g'},
    {MOp::vcvtt_ss_int, "vcvttss2si", "vcvttss2si", kSizes48, 4, 'g', 'g', 'v'},
    {MOp::vcvtt_sd_int, "vcvttsd2si", "vcvttsd2si", kSizes48, 8, 'g', 'g', 'v'},
    {MOp::vucomi, "vucomiss", "vucomisd", kSizes48, 0, 'v', 'v', 'v'},
    {MOp::vmov_load, "vmovss", "vmovsd", kSizes48, 0, 'v', 'v', 'v', false},
    {MOp::vmov_store, "vmovss", "vmovsd", kSizes48, 0, 'v', 'v', 'v', false},
    {MOp::vmov_from_gpr, "vmovd", "vmovq", kSizes48, 0, 'v', 'v', 'g'},
    {MOp::vmov_to_gpr, "vmovd", "vmovq", kSizes48, 0, 'g', 'v', 'g'},
    {MOp::vmovups_load, "vmovups", "vmovups", kSizes4, 16, 'v', 'v', 'v'},
    {MOp::vmovups_store, "vmovups", "vmovups", kSizes4, 16, 'v', 'v', 'v'},
#include "wasm/x64/encode_test_simd.h"
};

constexpr const char* kConditions[] = {"o", "no", "b", "nb", "z", "nz", "be", "nbe",
                                       "s", "ns", "p", "np", "l", "nl", "le", "nle"};

std::string register_name(unsigned n, unsigned bytes) {
  static constexpr const char* kNames[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
  if (n >= 8) return std::format("r{}{}", n, bytes == 8 ? "" : bytes == 4 ? "d" : bytes == 2 ? "w" : "b");
  const std::string name = kNames[n];
  if (bytes == 8) return "r" + name;
  if (bytes == 4) return "e" + name;
  if (bytes == 2) return name;
  return n < 4 ? name.substr(0, 1) + "l" : name + "l";
}

std::string operand_name(char type, unsigned size, unsigned n) {
  if (type == 'v') return std::format("xmm{}", n);
  return register_name(n, type == 'g' ? size : static_cast<unsigned>(type - '0'));
}

std::string immediate_name(std::int64_t value, unsigned bytes) {
  // As wide as the operand: an immediate is extended to it or cut to it.
  const std::uint64_t mask = bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1;
  return std::format("{:#x}", static_cast<std::uint64_t>(value) & mask);
}

std::string memory_name(unsigned bytes, bool gs, unsigned address, const std::string& base,
                        const std::string& index, unsigned scale, std::int64_t disp) {
  return std::format("{}{}a{}[{}+{}*{}+{:#x}]", bytes, gs ? "gs:" : "", address, base, index,
                     index.empty() ? 0 : scale, static_cast<std::uint32_t>(disp));
}

/// What the r/m operand is in one case, and the locations that it takes.
struct RmCase {
  MemKind kind = MemKind::none;
  int reg = -1, slot = -1;    ///< kind none
  int base = -1, index = -1;  ///< addresses
  unsigned scale = 0;
  std::int32_t disp = 0;
  std::uint64_t constant = 0;  ///< kind constant
};

/// The instructions of one function, with the text that each should have.
class Listing {
 public:
  Listing() : function_(arena_), allocation_(arena_), builder_(module_) {
    module_.types.push_back({});
    module_.functions.push_back({.type = 0});
    allocation_.spill_bytes = kSpill;
  }

  void add(const Row& row, unsigned size, const RmCase& rm, unsigned def, unsigned a, std::int64_t imm,
           unsigned cond) {
    const MOpInfo& op = info(row.op);
    mir::Inst inst;
    inst.op = static_cast<std::uint16_t>(row.op);
    inst.operands = function_.operands.size();
    inst.imm = imm;
    Aux aux = Aux::size(size).cond(static_cast<Cond>(cond));
    auto put = [&](Location where) {
      function_.operands.push_back({});
      allocation_.operands.push_back(where);
      ++inst.operand_count;
    };
    auto use = [&](char type, unsigned n) { put(Location::reg(type == 'v' ? mir::vec(n) : mir::gpr(n))); };
    const unsigned bytes = row.mem_bytes ? row.mem_bytes : size;
    std::string rm_text;
    auto use_rm = [&] {
      aux = aux.mem(rm.kind);
      inst.disp = rm.disp;
      if (rm.slot >= 0) {
        put(Location::slot(static_cast<unsigned>(rm.slot)));
        rm_text = memory_name(bytes, false, 64, "rsp", "", 0, rm.slot);
      } else if (rm.kind == MemKind::none) {
        use(row.rm, static_cast<unsigned>(rm.reg));
        rm_text = operand_name(row.rm, size, static_cast<unsigned>(rm.reg));
      } else if (rm.kind == MemKind::constant) {
        inst.imm = static_cast<std::int64_t>(rm.constant);
        aux = aux.constant_bytes(bytes);
        rm_text = std::format("{}rodata {:#x}", bytes,
                              bytes == 4 ? static_cast<std::uint32_t>(rm.constant) : rm.constant);
      } else if (rm.kind == MemKind::context || rm.kind == MemKind::incoming ||
                 rm.kind == MemKind::outgoing) {
        const std::int32_t disp =
            rm.kind == MemKind::incoming ? rm.disp + static_cast<std::int32_t>(kSpill) + 8 : rm.disp;
        rm_text = memory_name(bytes, false, 64, rm.kind == MemKind::context ? "r15" : "rsp", "", 0, disp);
      } else {
        const unsigned address = rm.kind == MemKind::wrap ? 32 : 64;
        if (rm.base >= 0) aux = aux.base(), use('g', static_cast<unsigned>(rm.base));
        if (rm.index >= 0) aux = aux.index(rm.scale), use('g', static_cast<unsigned>(rm.index));
        auto name = [&](int r) {
          return r < 0 ? std::string() : register_name(static_cast<unsigned>(r), address / 8);
        };
        rm_text = memory_name(row.op == MOp::lea ? 0 : bytes,
                              rm.kind != MemKind::address && rm.kind != MemKind::pointer, address,
                              name(rm.base), name(rm.index), 1u << rm.scale, rm.disp);
      }
    };
    const std::string d = operand_name(row.def, size, def), x = operand_name(row.a, size, a);
    std::string text = size == 8 ? row.name8 : row.name4;
    const std::string cc = std::format("{:#x}", cond);
    switch (op.shape) {
      case Shape::alu:
        use(row.a, def), use_rm();
        if (row.op == MOp::cmov) text += kConditions[cond];
        text += " " + d + ", " + rm_text;
        break;
      case Shape::alu_imm: use(row.a, def), text += " " + d + ", " + immediate_name(imm, size); break;
      case Shape::unary: use(row.a, def), text += " " + d; break;
      case Shape::shift_imm:
        inst.imm &= 31;
        use(row.a, def), text += " " + d + ", " + immediate_name(inst.imm, 1);
        break;
      case Shape::shift_cl: use(row.a, def), use('g', 1), text += " " + d + ", cl"; break;
      case Shape::load:
      case Shape::vex_load: use_rm(), text += " " + d + ", " + rm_text; break;
      case Shape::load_imm:
        if (rm.kind == MemKind::constant) return;
        use_rm(), text += " " + d + ", " + rm_text + ", " + immediate_name(imm, size);
        break;
      case Shape::cmp:
        use(row.a, a), use_rm();
        // `test` has one direction only.
        text += row.op == MOp::test_rm ? " " + rm_text + ", " + x : " " + x + ", " + rm_text;
        break;
      case Shape::cmp_imm:
      case Shape::store_imm:
        if (rm.kind == MemKind::constant) return;
        if (row.op == MOp::bt_ri) inst.imm &= 31;
        use_rm(), text += " " + rm_text + ", " + immediate_name(inst.imm, row.op == MOp::bt_ri ? 1 : size);
        break;
      case Shape::store:
      case Shape::vex_store: use(row.a, a), use_rm(), text += " " + rm_text + ", " + x; break;
      case Shape::mul_div:
        use('g', 0);
        if (row.op != MOp::imul_high) use('g', 2);
        use_rm(), text += " " + rm_text;
        break;
      case Shape::plain: break;
      case Shape::mulx: use('g', 2), use_rm(), text += " " + d + ", " + d + ", " + rm_text; break;
      case Shape::vex_rvm:
        use(row.a, a), use_rm();
        text += row.op == MOp::shlx || row.op == MOp::shrx || row.op == MOp::sarx
                    ? " " + d + ", " + rm_text + ", " + x
                    : " " + d + ", " + x + ", " + rm_text;
        break;
      case Shape::vex_rvm_cc:
        use(row.a, a), use_rm(), text += " " + d + ", " + x + ", " + rm_text + ", " + cc;
        break;
      case Shape::vex_rm_imm:
        if (rm.kind == MemKind::constant) return;
        inst.imm &= 31;
        use_rm(), text += " " + d + ", " + rm_text + ", " + immediate_name(inst.imm, 1);
        break;
      case Shape::vex_rvm_imm:
        if (rm.kind == MemKind::constant) return;
        inst.imm &= 31;
        use(row.a, a), use_rm(),
            text += " " + d + ", " + x + ", " + rm_text + ", " + immediate_name(inst.imm, 1);
        break;
      case Shape::vex_store_imm:
        if (rm.kind == MemKind::constant) return;
        inst.imm &= 31;
        use(row.a, a), use_rm(), text += " " + rm_text + ", " + x + ", " + immediate_name(inst.imm, 1);
        break;
      case Shape::vex_reverse_imm:
      case Shape::vex_shift_imm:
        inst.imm &= 31;
        use(row.a, a), text += " " + d + ", " + x + ", " + immediate_name(inst.imm, 1);
        break;
      case Shape::vex_unary: use(row.a, a), text += " " + d + ", " + x + ", " + x; break;
      case Shape::vex_unary_cc: use(row.a, a), text += " " + d + ", " + x + ", " + x + ", " + cc; break;
      case Shape::vex_blend:
        use(row.a, a), use('v', 9), use_rm(), text += " " + d + ", " + x + ", " + rm_text + ", xmm9";
        break;
      case Shape::vex_from_int:
        use_rm();
        expected_.push_back("vxorps " + d + ", " + d + ", " + d);
        text += " " + d + ", " + d + ", " + rm_text;
        break;
      case Shape::vex_reverse: use(row.a, a), text += " " + d + ", " + x; break;
      case Shape::vex_cmp: use(row.a, a), use_rm(), text += " " + x + ", " + rm_text; break;
      case Shape::vex_zero: text += " " + d + ", " + d + ", " + d; break;
      // No row has these: see the end of the test.
      case Shape::mulx_wide:
      case Shape::exchange:
      case Shape::compare_exchange:
      case Shape::custom: return;
    }
    use(row.def, def);
    inst.aux = aux.bits;
    function_.insts.push_back(inst);
    allocation_.dead.push_back(false);
    expected_.push_back(text);
  }

  /// Emits, decodes and compares; the number of instructions.
  std::size_t check() {
    mir::Inst ret;
    ret.op = static_cast<std::uint16_t>(MOp::ret);
    ret.flags = mir::kTerminator;
    function_.insts.push_back(ret);
    allocation_.dead.push_back(false);
    mir::BlockData block;
    block.count = function_.insts.size();
    function_.blocks.push_back(block);
    allocation_.entry_gprs.resize(16);
    EXPECT_TRUE(builder_.add(function_, allocation_).has_value());
    object_ = builder_.finish();
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    std::uint32_t at = 0;
    std::string text;
    EXPECT_TRUE(next(at, text) && text.starts_with("sub rsp")) << text;
    unsigned failures = 0;
    for (const std::string& expected : expected_) {
      const std::uint32_t begin = at;
      const bool decoded = next(at, text);
      if (decoded && text == expected) continue;
      std::string bytes;
      for (std::uint32_t i = begin; i < std::max(at, begin + 1); ++i)
        bytes += std::format("{:02x} ", static_cast<unsigned>(object_.text[i]));
      ADD_FAILURE() << bytes << "is " << text << ", should be " << expected;
      if (!decoded || ++failures == 10) break;
    }
    return expected_.size();
  }

 private:
  static constexpr std::uint32_t kSpill = 4096;

  bool next(std::uint32_t& at, std::string& text) {
    ZydisDecodedInstruction inst;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    text = "nothing";
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, object_.text.data() + at, object_.text.size() - at,
                                             &inst, operands.data())))
      return false;
    at += inst.length;
    text = ZydisMnemonicGetString(inst.mnemonic);
    for (unsigned i = 0; i < inst.operand_count_visible; ++i)
      text += (i ? ", " : " ") + format(inst, operands[i], at);
    return true;
  }
  std::string format(const ZydisDecodedInstruction& inst, const ZydisDecodedOperand& o,
                     std::uint32_t end) const {
    auto name = [](ZydisRegister r) {
      return r == ZYDIS_REGISTER_NONE ? std::string() : std::string(ZydisRegisterGetString(r));
    };
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER) return name(o.reg.value);
    if (o.type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
      return immediate_name(o.imm.value.s, o.size == 8 && !o.imm.is_signed ? 1 : inst.operand_width / 8u);
    const bool lea = o.mem.type == ZYDIS_MEMOP_TYPE_AGEN;
    if (o.mem.base == ZYDIS_REGISTER_RIP) {
      const std::uint64_t offset = end + static_cast<std::uint64_t>(o.mem.disp.value) - object_.text.size();
      std::uint64_t value = 0;
      if (offset + o.size / 8 <= object_.rodata.size())
        std::memcpy(&value, object_.rodata.data() + offset, o.size == 32 ? 4 : 8);
      return std::format("{}rodata {:#x}", o.size / 8, value);
    }
    return memory_name(lea ? 0 : o.size / 8, o.mem.segment == ZYDIS_REGISTER_GS, inst.address_width,
                       name(o.mem.base), name(o.mem.index), o.mem.scale, o.mem.disp.value);
  }

  Arena arena_;
  Module module_;
  mir::Function function_;
  regalloc::Result allocation_;
  CodeBuilder builder_;
  CodeObject object_;
  ZydisDecoder decoder_;
  std::vector<std::string> expected_;
};

constexpr std::int32_t kDisplacements[] = {0, 1, 127, 128, -1, -128, -129, 0x7fffffff, -0x7fffffff - 1};
constexpr std::int64_t kImmediates[] = {0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x80000000ll};

std::vector<RmCase> rm_cases(const Row& row, bool all) {
  std::vector<RmCase> cases;
  for (int r = 0; r < 16 && row.rm_register; ++r) cases.push_back({.reg = r});
  if (!row.rm_memory) return cases;
  if (row.op != MOp::lea) {
    for (int slot : {0, 64, 120, 128, 1024}) cases.push_back({.slot = slot});
    for (MemKind kind : {MemKind::context, MemKind::incoming, MemKind::outgoing}) {
      for (int disp : {0, 127, 128, 1 << 20}) cases.push_back({.kind = kind, .disp = disp});
    }
    // Constants have 4, 8 or 16 bytes.
    if ((row.def == 'v' || row.a == 'v') && row.mem_bytes != 1 && row.mem_bytes != 2)
      cases.push_back({.kind = MemKind::constant, .constant = 0x0123456789abcdef});
    for (std::int32_t disp : {0, 127, 128, 0x7fffffff}) {
      cases.push_back({.kind = MemKind::linear, .disp = disp});
      for (int base = 0; base < 16; ++base) {
        cases.push_back({.kind = MemKind::linear, .base = base, .disp = disp});
        cases.push_back({.kind = MemKind::pointer, .base = base, .disp = disp});
      }
    }
  }
  for (MemKind kind : {MemKind::wrap, MemKind::address}) {
    if ((kind == MemKind::address) != (row.op == MOp::lea)) continue;
    for (int base = -1; base < 16; ++base) {
      for (int index = -1; index < 16; ++index) {
        if (index == 4) continue;  // rsp is no index
        for (unsigned scale = 0; scale < (index < 0 ? 1u : 4u); ++scale) {
          for (std::int32_t disp : kDisplacements) {
            const unsigned sample =
                static_cast<unsigned>(base * 31 + index * 7) + static_cast<unsigned>(disp) * 3 + scale;
            if (all || sample % 23 == 0)
              cases.push_back({.kind = kind, .base = base, .index = index, .scale = scale, .disp = disp});
          }
        }
      }
    }
  }
  return cases;
}

TEST(Encode, EveryOperationMeansToZydisWhatItSays) {
  std::size_t total = 0;
  for (const Row& row : kRows) {
    const bool all =
        row.op == MOp::mov_rm || row.op == MOp::lea || row.op == MOp::vadd || row.op == MOp::shlx;
    const std::vector<RmCase> cases = rm_cases(row, all);
    for (unsigned size : {1u, 2u, 4u, 8u}) {
      if (!(row.sizes & size)) continue;
      SCOPED_TRACE(info(row.op).name);
      Listing listing;
      unsigned n = 0;
      for (const RmCase& rm : cases) {
        ++n;
        listing.add(row, size, rm, n % 16, (n / 3 + 5) % 16, kImmediates[n % std::size(kImmediates)], n % 16);
      }
      // Every register in each place, with every immediate.
      const RmCase base =
          row.rm_register ? RmCase{.reg = 11}
                          : RmCase{.kind = row.op == MOp::lea ? MemKind::address : MemKind::wrap, .base = 11};
      for (unsigned r = 0; r < 16; ++r) {
        for (std::int64_t imm : kImmediates)
          listing.add(row, size, base, r, r ^ 5,
                      size == 1   ? static_cast<std::int8_t>(imm)
                      : size == 2 ? static_cast<std::int16_t>(imm)
                                  : imm,
                      r);
      }
      total += listing.check();
    }
  }
  EXPECT_GT(total, 50'000u);
  // Nothing is left out but the sequences and what has two definitions or a locked operand, which the
  // execution tests and the verifier cover.
  const auto listed = [](Shape shape) {
    return shape != Shape::custom && shape != Shape::mulx_wide && shape != Shape::exchange &&
           shape != Shape::compare_exchange;
  };
  std::size_t encoded = 0;
#define NB_X64_OP(name, shape, ...) encoded += listed(Shape::shape);
#include "wasm/x64/mops.def"
#undef NB_X64_OP
  EXPECT_EQ(std::size(kRows), encoded);
}

}  // namespace
}  // namespace nebulet::wasm::x64
