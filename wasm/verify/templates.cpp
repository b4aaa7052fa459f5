// SPDX-License-Identifier: MIT
// The fixed sequences: calls through slots, table sizes, jump tables. Within one, fetch() refuses labels, so
// control enters it at its head only.
#include <algorithm>
#include <cstring>

#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {
namespace {

constexpr std::uint16_t kReserved = 1u << kRsp | 1u << kR15;

bool is_simple(const Mem& mem, std::uint8_t base, std::int64_t disp) {
  return mem.base == base && mem.index == kNone && mem.disp == disp && !mem.gs && !mem.addr32;
}

/// `op dst, src` between registers.
bool is_alu(const Insn& i, std::uint8_t operation, std::uint8_t size, std::uint8_t dst, std::uint8_t src) {
  return i.kind == Kind::alu && i.sub == operation && i.size == size && !i.has_mem &&
         (i.reg_is_dst ? i.reg == dst && i.rm == src : i.rm == dst && i.reg == src);
}

bool is_load(const Insn& i, std::uint8_t size) {
  return i.kind == Kind::mov && i.reg_is_dst && i.size == size && i.has_mem;
}

}  // namespace

bool Checker::check_lea(const Insn& i) {
  const Mem& mem = i.mem;
  if (mem.gs) return fail("lea with a segment");
  if (mem.base == kRip) return jump_table(i);
  if (mem.base == kR15) return call_import(i);
  if ((i.named | i.written) & kReserved || mem.base == kRsp || mem.index == kR15)
    return fail("rsp or r15 as an operand");
  transfer(i);
  return true;
}

/// The convention of the import whose slot `lea` names, or null after an error.
const TypeAbi* Checker::import_slot(const Insn& lea) {
  const Mem& mem = lea.mem;
  const std::int64_t offset = std::int64_t{mem.disp} - layout_.imports;
  if (lea.size != 8 || lea.reg != kR10 || !is_simple(mem, kR15, mem.disp) || offset < 0 ||
      offset % sizeof(FuncSlot) != 0 || offset / sizeof(FuncSlot) >= module_.imported_functions) {
    fail("address of something else than an import slot");
    return nullptr;
  }
  return &types_[module_.functions[static_cast<std::size_t>(offset) / sizeof(FuncSlot)].type];
}

bool Checker::call_import(const Insn& lea) {
  const TypeAbi* abi = import_slot(lea);
  if (!abi || !fetch()) return false;
  if (function_->frame == 0 && jumps_through_slot(insn())) return finish_tail_call(*abi, own_.stack_args);
  if (insn().kind != Kind::call_mem || !is_simple(insn().mem, kR10, offsetof(FuncSlot, code)))
    return fail("import slot without its call");
  return finish_call(*abi);
}

bool Checker::call_builtin(const Insn& i) {
  const std::int64_t disp = i.mem.disp;
  if (!is_simple(i.mem, kR15, disp) || disp < 0 || disp % 8 != 0 || disp / 8 >= kBuiltinCount)
    return fail("indirect call outside its sequence");
  const auto service = static_cast<Builtin>(disp / 8);
  if (service == Builtin::throw_ || service == Builtin::catch_) return call_with_tag(service);
  const BuiltinAbi abi = abi_of(service);
  if (!abi.known) return fail("unknown service");
  return finish_call({abi.arg_zero, abi.result_zero, 0, 0});
}

/// `insn` loaded a table's address: either its size is read, or an element called.
bool Checker::table_size(const Insn& load) {
  const std::uint8_t pointer = load.reg;
  transfer(load);
  if (!fetch()) return false;
  const Insn& i = insn();
  if (!i.has_mem || !is_simple(i.mem, pointer, TableHeader::kSizeOffset))
    return fail("pointer to a table used for something else");
  if ((i.named | i.written) & kReserved) return fail("rsp or r15 as an operand");
  if (is_load(i, 4)) {
    transfer(i);
    return true;
  }
  const bool compares = i.kind == Kind::alu && i.sub == kCmp && i.size == 4 && i.reg_is_dst;
  if (pointer != kR11 || !compares || i.reg == kR10 || i.reg == kR11)
    return fail("pointer to a table used for something else");
  return call_indirect(i.reg, layout_.signatures, offsetof(FuncSlot, signature));
}

/// `load` loaded the address of the store's table of all functions: one of them is called.
bool Checker::call_by_reference(const Insn& load) {
  transfer(load);
  if (!fetch()) return false;
  const Insn& i = insn();
  if (load.reg != kR11 || i.kind != Kind::alu || i.sub != kCmp || i.size != 4 || !i.reg_is_dst ||
      !i.has_mem || !is_simple(i.mem, kR11, TableHeader::kSizeOffset) || i.reg == kR10 || i.reg == kR11 ||
      ((i.named | i.written) & kReserved))
    return fail("pointer to the functions used for something else");
  return call_indirect(i.reg, layout_.abis, offsetof(FuncSlot, abi));
}

/// Behind `cmp index, [r11 - 8]`. `ids` is the context's array that has the type's id, `field` the slot's
/// part that it is compared with.
bool Checker::call_indirect(std::uint8_t index, std::uint32_t ids, std::uint32_t field) {
  static constexpr const char* kRule = "indirect call is not the sequence";
  if (!fetch()) return false;
  if (!branch_to_trap(insn(), kAboveEqual)) return fail(kRule);
  if (!fetch()) return false;
  if (!is_alu(insn(), kSbb, 8, kR10, kR10)) return fail(kRule);
  if (!fetch()) return false;
  if (!is_alu(insn(), kAnd, 4, kR10, index)) return fail(kRule);
  if (!fetch()) return false;
  if (insn().kind != Kind::shl || insn().size != 8 || insn().rm != kR10 || insn().imm != kFuncSlotShift)
    return fail(kRule);
  if (!fetch()) return false;
  if (!is_alu(insn(), kAdd, 8, kR10, kR11)) return fail(kRule);
  if (!fetch()) return false;
  const std::int64_t signature = std::int64_t{insn().mem.disp} - ids;
  if (!is_load(insn(), 4) || insn().reg != kR11 || !is_simple(insn().mem, kR15, insn().mem.disp) ||
      signature < 0 || signature % 4 != 0 || static_cast<std::uint64_t>(signature / 4) >= types_.size())
    return fail(kRule);
  if (!fetch()) return false;
  const Insn& compare = insn();
  if (compare.kind != Kind::alu || compare.sub != kCmp || compare.size != 4 || compare.reg_is_dst ||
      compare.reg != kR11 || !compare.has_mem || !is_simple(compare.mem, kR10, field))
    return fail(kRule);
  if (!fetch()) return false;
  if (!branch_to_trap(insn(), kNotEqual)) return fail(kRule);
  if (!fetch()) return false;
  const TypeAbi& abi = types_[static_cast<std::size_t>(signature / 4)];
  if (insn().kind == Kind::call_mem)
    return is_simple(insn().mem, kR10, offsetof(FuncSlot, code)) ? finish_call(abi) : fail(kRule);
  return leave(&abi);
}

const JumpTable* Checker::find_jump_table(const Insn& lea) {
  const std::int64_t offset =
      std::int64_t{next_} + lea.mem.disp - static_cast<std::int64_t>(code_.text.size());
  const auto& tables = code_.jump_tables;
  auto at = std::lower_bound(tables.begin(), tables.end(), offset,
                             [](const JumpTable& t, std::int64_t o) { return t.rodata_offset < o; });
  if (at == tables.end() || at->rodata_offset != offset) return nullptr;
  // One dispatch for each table, or checking the entries would not be linear.
  std::uint8_t& used = table_used_[static_cast<std::size_t>(at - tables.begin())];
  return used++ == 0 ? &*at : nullptr;
}

/// `lea u, [rip + table]` in hand; `mov t, n - 1`, `cmp i, t` and `cmovb t, i` must stand before it.
bool Checker::jump_table(const Insn& lea) {
  static constexpr const char* kRule = "jump through a table is not the sequence";
  if (run_ < 4) return fail(kRule);
  const Insn &limit = insn(3), &compare = insn(2), &select = insn(1);
  const std::uint8_t u = lea.reg;
  const std::uint8_t t = limit.reg_is_dst ? limit.reg : limit.rm;
  const std::uint8_t i = select.rm;
  if (limit.kind != Kind::mov_imm || limit.size != 4 || limit.has_mem) return fail(kRule);
  if (!is_alu(compare, kCmp, 4, i, t)) return fail(kRule);
  if (select.kind != Kind::cmov || select.sub != kBelow || select.size != 4 || select.has_mem ||
      select.reg != t)
    return fail(kRule);
  if (lea.size != 8 || lea.mem.addr32 || u == t || ((1u << u) & kReserved)) return fail(kRule);
  const std::uint64_t count = std::uint64_t{static_cast<std::uint32_t>(limit.imm)} + 1;
  const JumpTable* table = find_jump_table(lea);
  if (!table || table->count != count) return fail("jump table is unknown, of another size or used twice");

  if (!fetch()) return false;
  const Mem& entry = insn().mem;
  if (insn().kind != Kind::movsxd || insn().reg != t || !insn().has_mem || entry.base != u ||
      entry.index != t || entry.scale != 2 || entry.disp != 0 || entry.gs || entry.addr32)
    return fail(kRule);
  if (!fetch()) return false;
  if (!is_alu(insn(), kAdd, 8, t, u)) return fail(kRule);
  if (!fetch()) return false;
  if (insn().kind != Kind::jmp_rm || insn().rm != t) return fail(kRule);

  const auto kept = static_cast<std::uint16_t>(~(1u << t | 1u << u));
  set_state(state_ & kept, bases_ & kept, wide_bases_ & kept);
  live_ = false;
  const std::int64_t base = static_cast<std::int64_t>(code_.text.size()) + table->rodata_offset;
  for (std::uint32_t n = 0; n < table->count; n++) {
    std::int32_t distance;
    std::memcpy(&distance, code_.rodata.data() + table->rodata_offset + std::size_t{n} * 4, sizeof distance);
    const std::int64_t target = base + distance;
    if (target < function_->begin || target >= function_->end) return fail("jump table leaves the function");
    const Label* label = find_label(static_cast<std::uint32_t>(target));
    if (!label) return fail("jump table's entry is not a label");
    if (label->zero_extended & ~state_) return fail("register is not zero-extended at a jump table's label");
    if (!bases_hold(*label)) return fail("register is not the base that a jump table's label claims");
  }
  return true;
}

}  // namespace nebulet::wasm::verify
