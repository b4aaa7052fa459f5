// SPDX-License-Identifier: MIT
// From one machine instruction with its locations to bytes.
#include "wasm/runtime/layout.h"
#include "wasm/x64/function_emitter.h"

namespace nebulet::wasm::x64 {

using mir::Inst;
using regalloc::Location;

namespace {

bool fits8(std::int64_t v) { return v == static_cast<std::int8_t>(v); }

Rm based(std::uint8_t base, std::int32_t disp) {
  Mem m;
  m.base = base;
  m.disp = disp;
  return Rm::of_mem(m);
}

constexpr MOpInfo kMov{"mov", Shape::load, 0, 0, 0x8b, 0, Width::sized};
constexpr MOpInfo kVmovaps{"vmovaps", Shape::vex_load, 0, 1, 0x28, 0, Width::vex_w0};

}  // namespace

Rm FunctionEmitter::slot(std::uint32_t offset) const {
  return based(rsp.encoding(), static_cast<std::int32_t>(spill_base_ + offset));
}

Rm FunctionEmitter::rm_operand(const Inst& inst, unsigned first) {
  const Aux aux(inst.aux);
  Mem m;
  m.disp = inst.disp;
  switch (aux.mem()) {
    case MemKind::none: {
      const Location where = allocation_.operands[inst.operands + first];
      return where.is_reg() ? Rm::of_reg(where.preg().encoding()) : slot(where.slot_offset());
    }
    case MemKind::context: return based(kContext.encoding(), inst.disp);
    case MemKind::incoming: return based(rsp.encoding(), static_cast<std::int32_t>(frame_ + 8) + inst.disp);
    case MemKind::outgoing: return based(rsp.encoding(), inst.disp);
    case MemKind::cell: return based(rsp.encoding(), static_cast<std::int32_t>(outgoing_) + inst.disp);
    case MemKind::constant:
      m.base = Mem::kRip;
      if (aux.has_wide_constant()) {
        const auto words = f_.pool.slice(static_cast<std::uint32_t>(inst.disp), 4);
        m.disp = static_cast<std::int32_t>(builder_.rodata_.constant128(
            std::uint64_t{words[1]} << 32 | words[0], std::uint64_t{words[3]} << 32 | words[2]));
        return Rm::of_mem(m);
      }
      m.disp = static_cast<std::int32_t>(
          builder_.rodata_.constant(static_cast<std::uint64_t>(inst.imm), aux.constant_bytes()));
      return Rm::of_mem(m);
    case MemKind::wrap: m.gs = m.address32 = true; break;
    case MemKind::linear:
    case MemKind::linear64: m.gs = true; break;
    case MemKind::address:
    case MemKind::pointer:
    case MemKind::based:
    case MemKind::based64: break;
  }
  if (aux.has_base()) m.base = reg(inst, first++);
  if (aux.has_index()) {
    m.index = reg(inst, first);
    m.scale = static_cast<std::uint8_t>(aux.scale());
  }
  if (aux.mem() == MemKind::linear64 && aux.has_base()) check_address(m.base, inst);
  if (aux.mem() == MemKind::based64 && aux.has_index()) check_address(m.index, inst);
  return Rm::of_mem(m);
}

// cmp r, [2^34] ; jae trap: directly before the access, so that no other instruction can come between.
void FunctionEmitter::check_address(std::uint8_t address, const Inst& inst) {
  Mem limit;
  limit.base = Mem::kRip;
  limit.disp = static_cast<std::int32_t>(builder_.rodata_.constant(kMemory64Size, 8));
  a_.legacy(info(MOp::cmp_rm), 0x3b, 8, address, Rm::of_mem(limit), 0);
  jump_if(Cond::ae, trap_label(Aux(inst.aux).trap(), inst.position));
  // What can fault is the access.
  builder_.object_.traps.back().pc = a_.size();
}

void FunctionEmitter::encode(const Inst& inst, const Location* forced_def) {
  const MOpInfo& op = info(static_cast<MOp>(inst.op));
  const Aux aux(inst.aux);
  const unsigned size = aux.size();
  const unsigned last = inst.operand_count - 1u;
  auto def = [&] { return forced_def ? forced_def->preg().encoding() : reg(inst, last); };
  a_.reserve();
  if (aux.has_trap() && op.shape != Shape::custom)
    builder_.object_.traps.push_back({a_.size(), inst.position, aux.trap()});
  // Opcodes of one-byte operations are one less than those of the other sizes.
  auto sized = [&](std::uint8_t opcode) {
    return static_cast<std::uint8_t>(size == 1 ? opcode & ~1u : opcode);
  };
  auto immediate = [&](unsigned bytes) {
    if (bytes == 1) a_.byte(static_cast<std::uint8_t>(inst.imm));
    if (bytes == 2) a_.word(static_cast<std::uint16_t>(inst.imm));
    if (bytes >= 4) a_.dword(static_cast<std::uint32_t>(inst.imm));
  };
  // 81 and c7 with an immediate of the operand size, 83 with a byte.
  auto with_immediate = [&](std::uint8_t ext, const Rm& rm) {
    std::uint8_t opcode = sized(op.opcode);
    unsigned bytes = size < 4 ? size : 4;
    if (op.opcode == 0xba) opcode = op.opcode, bytes = 1;
    if (op.opcode == 0x81 && size != 1 && fits8(inst.imm)) opcode = 0x83, bytes = 1;
    a_.legacy(op, opcode, size, ext, rm, bytes, false, size == 1);
    immediate(bytes);
  };

  switch (op.shape) {
    case Shape::alu: {
      const std::uint8_t cc = op.opcode == 0x40 && op.map == 1 ? static_cast<std::uint8_t>(aux.cond()) : 0;
      return a_.legacy(op, op.opcode | cc, size, def(), rm_operand(inst, 1), 0);
    }
    case Shape::alu_imm: return with_immediate(op.ext, Rm::of_reg(def()));
    case Shape::unary:
    case Shape::shift_cl: return a_.legacy(op, op.opcode, size, op.ext, Rm::of_reg(def()), 0);
    case Shape::shift_imm:
      a_.legacy(op, op.opcode, size, op.ext, Rm::of_reg(def()), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::load: {
      const bool byte_source = op.map == 1 && (op.opcode == 0xb6 || op.opcode == 0xbe);
      return a_.legacy(op, op.opcode, size, def(), rm_operand(inst, 0), 0, false, byte_source);
    }
    case Shape::load_imm: {
      const bool small = fits8(inst.imm);
      a_.legacy(op, small ? 0x6b : 0x69, size, def(), rm_operand(inst, 0), small ? 1 : 4);
      return immediate(small ? 1 : 4);
    }
    case Shape::cmp:
      return a_.legacy(op, sized(op.opcode), size, reg(inst, 0), rm_operand(inst, 1), 0, size == 1,
                       size == 1);
    case Shape::cmp_imm: return with_immediate(op.ext, rm_operand(inst, 0));
    case Shape::store:
    case Shape::exchange:
    case Shape::compare_exchange: {
      const unsigned a = op.shape == Shape::compare_exchange ? 1 : 0;
      const Rm rm = rm_operand(inst, a + 1);
      if (aux.has_lock()) a_.byte(0xf0);
      return a_.legacy(op, sized(op.opcode), size, reg(inst, a), rm, 0, size == 1, size == 1);
    }
    case Shape::store_imm: return with_immediate(op.ext, rm_operand(inst, 0));
    case Shape::mul_div: {
      const unsigned rm = static_cast<MOp>(inst.op) == MOp::imul_high ? 1 : 2;
      return a_.legacy(op, op.opcode, size, op.ext, rm_operand(inst, rm), 0);
    }
    case Shape::plain:
      if (size == 8) a_.byte(0x48);
      return a_.byte(op.opcode);
    case Shape::mulx: return a_.vex(op, size, def(), def(), rm_operand(inst, 1), 0);
    case Shape::mulx_wide: return a_.vex(op, size, def(), reg(inst, last - 1), rm_operand(inst, 1), 0);
    case Shape::vex_rvm: return a_.vex(op, size, def(), reg(inst, 0), rm_operand(inst, 1), 0);
    case Shape::vex_rvm_cc:
      a_.vex(op, size, def(), reg(inst, 0), rm_operand(inst, 1), 1);
      return a_.byte(static_cast<std::uint8_t>(aux.cond()));
    case Shape::vex_rvm_imm:
      a_.vex(op, size, def(), reg(inst, 0), rm_operand(inst, 1), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::vex_rm_imm:
      a_.vex(op, size, def(), 0, rm_operand(inst, 0), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::vex_unary:
    case Shape::vex_unary_cc:
      // The operand is also the source of the unused upper bits, so that nothing waits for an old value.
      a_.vex(op, size, def(), reg(inst, 0), Rm::of_reg(reg(inst, 0)), op.shape == Shape::vex_unary_cc);
      if (op.shape == Shape::vex_unary_cc) a_.byte(static_cast<std::uint8_t>(aux.cond()));
      return;
    case Shape::vex_blend:
      a_.vex(op, size, def(), reg(inst, 0), rm_operand(inst, 2), 1);
      return a_.byte(static_cast<std::uint8_t>(reg(inst, 1) << 4));
    case Shape::vex_from_int:
      a_.vex(info(MOp::vzero), 4, def(), def(), Rm::of_reg(def()), 0);
      // What can fault is the second instruction.
      if (aux.has_trap()) builder_.object_.traps.back().pc = a_.size();
      return a_.vex(op, size, def(), def(), rm_operand(inst, 0), 0);
    case Shape::vex_load: {
      const Rm rm = rm_operand(inst, 0);
      return a_.vex(op, size, def(), 0, rm, 0);
    }
    case Shape::vex_store: return a_.vex(op, size, reg(inst, 0), 0, rm_operand(inst, 1), 0);
    case Shape::vex_store_imm:
      a_.vex(op, size, reg(inst, 0), 0, rm_operand(inst, 1), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::vex_reverse_imm:
      a_.vex(op, size, reg(inst, 0), 0, Rm::of_reg(def()), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::vex_shift_imm:
      a_.vex(op, size, op.ext, def(), Rm::of_reg(reg(inst, 0)), 1);
      return a_.byte(static_cast<std::uint8_t>(inst.imm));
    case Shape::vex_reverse: return a_.vex(op, size, reg(inst, 0), 0, Rm::of_reg(def()), 0);
    case Shape::vex_cmp: return a_.vex(op, size, reg(inst, 0), 0, rm_operand(inst, 1), 0);
    case Shape::vex_zero: return a_.vex(op, size, def(), def(), Rm::of_reg(def()), 0);
    case Shape::custom: return encode_custom(inst, forced_def);
  }
}

// A sum that the selector made a lea: here its input is not needed any more, and its flags are.
void FunctionEmitter::encode_with_flags(const Inst& inst) {
  if (static_cast<MOp>(inst.op) != MOp::lea) return encode(inst, nullptr);
  a_.reserve();
  const bool small = fits8(inst.disp);
  a_.legacy(info(MOp::add_ri), small ? 0x83 : 0x81, Aux(inst.aux).size(), 0, Rm::of_reg(reg(inst, 0)),
            small ? 1 : 4);
  if (small)
    a_.byte(static_cast<std::uint8_t>(inst.disp));
  else
    a_.dword(static_cast<std::uint32_t>(inst.disp));
}

void FunctionEmitter::encode_custom(const Inst& inst, const Location* forced_def) {
  const Aux aux(inst.aux);
  auto def = [&] { return forced_def ? forced_def->preg().encoding() : reg(inst, inst.operand_count - 1u); };
  switch (static_cast<MOp>(inst.op)) {
    case MOp::entry:
    case MOp::landing: return;
    case MOp::lands_at: return lands_at(static_cast<std::uint32_t>(inst.imm));
    case MOp::throw_:
    case MOp::catch_: return encode_throw_or_catch(inst);
    case MOp::mov_imm:
      // A repeated definition may stand between a comparison and its user.
      return a_.move_immediate(def(), static_cast<std::uint64_t>(inst.imm),
                               aux.has_flags_dead() && !forced_def);
    case MOp::setcc: {
      const std::uint8_t r = def();
      if (r >= 4) a_.byte(r >= 8 ? 0x41 : 0x40);
      a_.byte(0x0f);
      a_.byte(static_cast<std::uint8_t>(0x90 | static_cast<unsigned>(aux.cond())));
      a_.byte(static_cast<std::uint8_t>(0xc0 | (r & 7)));
      return a_.legacy(info(MOp::movzx8), 0xb6, 4, r, Rm::of_reg(r), 0, false, true);
    }
    case MOp::memory_pages:
    case MOp::table_size: {
      const std::uint8_t r = def();
      const bool table = static_cast<MOp>(inst.op) == MOp::table_size;
      a_.legacy(kMov, kMov.opcode, 8, r, based(kContext.encoding(), inst.disp), 0);
      return a_.legacy(kMov, kMov.opcode, table ? 4 : aux.size(), r,
                       based(r, table ? TableHeader::kSizeOffset : 0), 0);
    }
    case MOp::global_load:
    case MOp::global_store: {
      const bool load = static_cast<MOp>(inst.op) == MOp::global_load;
      const std::uint8_t pointer = reg(inst, load ? 0 : 1);
      const mir::PReg value = allocation_.operands[inst.operands + (load ? 1 : 0)].preg();
      a_.legacy(kMov, kMov.opcode, 8, pointer, based(kContext.encoding(), inst.disp), 0);
      if (value.reg_class() == mir::RegClass::gpr)
        return a_.legacy(kMov, load ? 0x8b : 0x89, aux.size(), value.encoding(), based(pointer, 0), 0);
      // A size of 1 stands for 16 bytes.
      const bool whole = aux.size() == 1;
      const MOp move = load    ? whole ? MOp::vmovups_load : MOp::vmov_load
                       : whole ? MOp::vmovups_store
                               : MOp::vmov_store;
      return a_.vex(info(move), aux.size(), value.encoding(), 0, based(pointer, 0), 0);
    }
    case MOp::call:
    case MOp::call_import:
    case MOp::call_builtin:
    case MOp::call_indirect: return encode_call(inst);
    case MOp::tail_call:
    case MOp::tail_import:
    case MOp::tail_indirect: return encode_tail_call(inst);
    case MOp::mfence: a_.word(0xae0f); return a_.byte(0xf0);
    case MOp::trap_if: return jump_if(aux.cond(), trap_label(aux.trap(), inst.position));
    case MOp::trap:
      builder_.object_.traps.push_back({a_.size(), inst.position, aux.trap()});
      return a_.word(0x0b0f);
    default: NB_ASSERT(false);
  }
}

std::uint32_t FunctionEmitter::stack_map(const Inst& inst) const {
  const std::uint32_t map = allocation_.stack_map(static_cast<std::uint32_t>(&inst - f_.insts.data()));
  return map == regalloc::kNoStackMap ? kNoStackMap : first_map_ + map;
}

void FunctionEmitter::call_site(const Inst& inst) {
  builder_.object_.calls.push_back({a_.size(), inst.position, stack_map(inst)});
  if (static_cast<MOp>(inst.op) == MOp::call_builtin || inst.disp == 0) return;
  // The callee popped its arguments.
  const bool small = fits8(inst.disp);
  a_.byte(0x48);
  a_.byte(small ? 0x83 : 0x81);
  a_.byte(0xec);
  if (small)
    a_.byte(static_cast<std::uint8_t>(inst.disp));
  else
    a_.dword(static_cast<std::uint32_t>(inst.disp));
}

void FunctionEmitter::through_memory(const Rm& rm, bool jump) {
  constexpr MOpInfo kCall{"call", Shape::custom, 0, 0, 0xff, 2, Width::none};
  a_.legacy(kCall, 0xff, 4, jump ? 4 : 2, rm, 0);
}

/// The checks of an indirect call; r10 becomes the slot of the element.
void FunctionEmitter::check_element(const Inst& inst) {
  constexpr std::uint8_t kSlot = 10, kTable = 11;
  const std::uint8_t index = reg(inst, 0);
  const auto table = static_cast<std::int32_t>(inst.imm),
             signature = static_cast<std::int32_t>(inst.imm >> 32);
  const bool by_reference = table == offsetof(InstanceContext, functions);
  constexpr ir::Trap kNull = ir::Trap::null_function_reference;
  a_.legacy(kMov, kMov.opcode, 8, kTable, based(kContext.encoding(), table), 0);
  a_.legacy(info(MOp::cmp_rm), 0x3b, 4, index, based(kTable, TableHeader::kSizeOffset), 0);
  jump_if(Cond::ae, trap_label(by_reference ? kNull : ir::Trap::undefined_element, inst.position));
  constexpr MOpInfo kSbb{"sbb", Shape::alu, 0, 0, 0x1b, 0, Width::sized};
  a_.legacy(kSbb, 0x1b, 8, kSlot, Rm::of_reg(kSlot), 0);
  a_.legacy(info(MOp::and_rm), 0x23, 4, kSlot, Rm::of_reg(index), 0);
  a_.legacy(info(MOp::shl_ri), 0xc1, 8, 4, Rm::of_reg(kSlot), 1);
  a_.byte(kFuncSlotShift);
  a_.legacy(info(MOp::add_rm), 0x03, 8, kSlot, Rm::of_reg(kTable), 0);
  a_.legacy(kMov, kMov.opcode, 4, kTable, based(kContext.encoding(), signature), 0);
  a_.legacy(info(MOp::cmp_mr), 0x39, 4, kTable,
            based(kSlot, by_reference ? offsetof(FuncSlot, abi) : offsetof(FuncSlot, signature)), 0);
  jump_if(Cond::ne, trap_label(by_reference ? kNull : ir::Trap::indirect_call_type_mismatch, inst.position));
}

void FunctionEmitter::encode_call(const Inst& inst) {
  constexpr std::uint8_t kSlot = 10;
  switch (static_cast<MOp>(inst.op)) {
    case MOp::call:
      a_.byte(0xe8);
      builder_.call_fixups_.push_back({a_.size(), static_cast<std::uint32_t>(inst.imm)});
      a_.dword(0);
      break;
    case MOp::call_import:
      a_.legacy(info(MOp::lea), 0x8d, 8, kSlot,
                based(kContext.encoding(), static_cast<std::int32_t>(inst.imm)), 0);
      through_memory(based(kSlot, 0), false);
      break;
    case MOp::call_builtin:
      through_memory(based(kContext.encoding(), static_cast<std::int32_t>(inst.imm)), false);
      break;
    default: check_element(inst); through_memory(based(kSlot, 0), false);
  }
  call_site(inst);
}

// A service that takes or gives values as a function does; the tag is in r11.
void FunctionEmitter::encode_throw_or_catch(const Inst& inst) {
  a_.byte(0x41);
  a_.byte(0xbb);  // mov r11d, imm32
  a_.dword(static_cast<std::uint32_t>(inst.imm >> 32));
  through_memory(based(kContext.encoding(), static_cast<std::int32_t>(inst.imm)), false);
  call_site(inst);
}

void FunctionEmitter::encode_switch(std::uint32_t block, const Inst& inst) {
  a_.reserve();
  const std::uint8_t index = reg(inst, 0), t = reg(inst, 1), u = reg(inst, 2);
  const std::uint32_t count = f_.blocks[block].succ_count;
  const std::uint32_t offset = builder_.rodata_.table(count);
  tables_.push_back({offset, whole_ ? count : block});
  if (whole_) fill_with_labels(offset, block);
  builder_.object_.jump_tables.push_back({offset, count});
  a_.move_immediate(t, count - 1, false);
  a_.legacy(info(MOp::cmp_rm), 0x3b, 4, index, Rm::of_reg(t), 0);
  a_.legacy(info(MOp::cmov), 0x40 | static_cast<unsigned>(Cond::b), 4, t, Rm::of_reg(index), 0);
  Mem table;
  table.base = Mem::kRip;
  table.disp = static_cast<std::int32_t>(offset);
  a_.legacy(info(MOp::lea), 0x8d, 8, u, Rm::of_mem(table), 0);
  Mem entry;
  entry.base = u;
  entry.index = t;
  entry.scale = 2;
  a_.legacy(info(MOp::movsxd), 0x63, 8, t, Rm::of_mem(entry), 0);
  a_.legacy(info(MOp::add_rm), 0x03, 8, t, Rm::of_reg(u), 0);
  constexpr MOpInfo kJump{"jmp", Shape::custom, 0, 0, 0xff, 4, Width::none};
  a_.legacy(kJump, 0xff, 4, 4, Rm::of_reg(t), 0);
}

// A constant into a slot: no general register may change, for all may be in use.
void FunctionEmitter::repeat_into_slot(const regalloc::Edit& e) {
  const Inst& inst = f_.insts[e.remat];
  const std::uint8_t scratch = kVecScratch.encoding();
  const Rm memory = slot(e.to.slot_offset());
  if (static_cast<MOp>(inst.op) == MOp::mov_imm) {
    if (e.width == 4 || inst.imm == static_cast<std::int32_t>(inst.imm)) {
      a_.legacy(info(MOp::mov_mi), 0xc7, e.width, 0, memory, 4);
      return a_.dword(static_cast<std::uint32_t>(inst.imm));
    }
    Mem constant;
    constant.base = Mem::kRip;
    constant.disp =
        static_cast<std::int32_t>(builder_.rodata_.constant(static_cast<std::uint64_t>(inst.imm), 8));
    a_.vex(info(MOp::vmov_load), 8, scratch, 0, Rm::of_mem(constant), 0);
  } else if (static_cast<MOp>(inst.op) == MOp::mov_rm) {               // a word of the context
    NB_ASSERT(!f_.vregs[f_.operands[inst.operands].vreg.index].base);  // no block takes one as an argument
    Mem word;
    word.base = kContext.encoding();
    word.disp = inst.disp;
    a_.vex(info(MOp::vmov_load), e.width, scratch, 0, Rm::of_mem(word), 0);
  } else {
    const Location to = Location::reg(kVecScratch);
    encode(inst, &to);
  }
  const MOpInfo& op = info(e.width == 16 ? MOp::vmovups_store : MOp::vmov_store);
  a_.vex(op, e.width, scratch, 0, memory, 0);
}

void FunctionEmitter::edit(const regalloc::Edit& e) {
  a_.reserve();
  if (e.kind == regalloc::Edit::Kind::remat)
    return e.to.is_reg() ? encode(f_.insts[e.remat], &e.to) : repeat_into_slot(e);
  const bool vec = (e.to.is_reg() ? e.to : e.from).preg().reg_class() == mir::RegClass::vec;
  if (e.kind == regalloc::Edit::Kind::swap) {
    const std::uint8_t x = e.from.preg().encoding(), y = e.to.preg().encoding();
    if (vec) {
      const std::uint8_t scratch = kVecScratch.encoding();
      a_.vex(kVmovaps, 4, scratch, 0, Rm::of_reg(x), 0);
      a_.vex(kVmovaps, 4, x, 0, Rm::of_reg(y), 0);
      return a_.vex(kVmovaps, 4, y, 0, Rm::of_reg(scratch), 0);
    }
    constexpr MOpInfo kXchg{"xchg", Shape::alu, 0, 0, 0x87, 0, Width::sized};
    return a_.legacy(kXchg, 0x87, 8, x, Rm::of_reg(y), 0);
  }
  const unsigned width = e.width;
  if (e.from.is_reg() && e.to.is_reg()) {
    const std::uint8_t to = e.to.preg().encoding(), from = e.from.preg().encoding();
    if (vec) return a_.vex(kVmovaps, 4, to, 0, Rm::of_reg(from), 0);
    return a_.legacy(kMov, kMov.opcode, width, to, Rm::of_reg(from), 0);
  }
  const bool store = e.from.is_reg();
  const std::uint8_t r = (store ? e.from : e.to).preg().encoding();
  const Rm memory = slot((store ? e.to : e.from).slot_offset());
  if (!vec) return a_.legacy(kMov, store ? 0x89 : 0x8b, width, r, memory, 0);
  const MOpInfo& op = info(width == 16 ? (store ? MOp::vmovups_store : MOp::vmovups_load)
                                       : (store ? MOp::vmov_store : MOp::vmov_load));
  a_.vex(op, width, r, 0, memory, 0);
}

}  // namespace nebulet::wasm::x64
