// SPDX-License-Identifier: MIT
// Which operands in memory are allowed: linear memory, the frame, the instance context and constants; nothing
// else.
#include <cstring>

#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {
namespace {

bool reserved(std::uint8_t gpr) { return gpr == kRsp || gpr == kR15 || gpr == kRip; }

/// `[base + disp]` and nothing more.
bool is_simple(const Mem& mem, std::uint8_t base, std::int32_t disp) {
  return mem.base == base && mem.index == kNone && mem.disp == disp && !mem.gs && !mem.addr32;
}

}  // namespace

bool Checker::check_memory(const Insn& i) {
  const Mem& mem = i.mem;
  if (mem.gs) {
    if (!check_linear(mem)) return false;
    transfer(i);
    return true;
  }
  if (mem.base < 16 && ((bases_ >> mem.base) & 1)) {
    if (!check_based(mem)) return false;
    transfer(i);
    return true;
  }
  if (i.atomic) return fail("atomic access to something else than linear memory");
  if (mem.index != kNone || mem.addr32) return fail("memory operand of no allowed form");
  if (mem.base == kRsp) {
    const CodeFunction& f = *function_;
    const std::int64_t begin = mem.disp, end = begin + mem.width;
    const std::int64_t args = std::int64_t{f.frame} + 8;  // above the return address
    const bool in_frame = begin >= 0 && end <= f.frame;
    const bool in_args = begin >= args && end <= args + std::int64_t{f.stack_args} + f.stack_results;
    if (!in_frame && !in_args) return fail("stack access outside the frame");
    transfer(i);
    return true;
  }
  if (mem.base == kRip) {
    const std::int64_t begin = std::int64_t{next_} + mem.disp - static_cast<std::int64_t>(code_.text.size());
    if (mem.write || begin < 0 || begin + mem.width > static_cast<std::int64_t>(code_.rodata.size()))
      return fail("constant outside rodata");
    if (i.kind == Kind::alu && i.sub == kCmp && i.size == 8 && i.reg_is_dst) {
      std::uint64_t limit;
      std::memcpy(&limit, code_.rodata.data() + begin, sizeof limit);
      if (limit == kMemory64Size) compared_ = i.reg;
    }
    transfer(i);
    return true;
  }
  if (mem.base == kR15) return check_context(i);
  return fail("memory operand of no allowed form");
}

/// Form A cannot leave 4 GiB; form B cannot leave 6 GiB, of which the upper 2 are never mapped; with a
/// compared base it cannot leave 18 GiB of a larger slot.
bool Checker::check_linear(const Mem& mem) {
  static_assert(kMemorySlotBase + (6ull << 30) <= kMemorySlotSize);
  static_assert(kMemorySlotBase + kMemory64Size + (2ull << 30) < kMemory64SlotSize);
  if (module_.memories.empty()) return fail("access without a memory 0");
  if (!trap_here_) return fail("access without a trap site");
  if (reserved(mem.base) || reserved(mem.index)) return fail("rsp, r15 or rip in an address");
  if (mem.addr32) return true;
  if (mem.index != kNone) return fail("index in a 64-bit address");
  if (mem.disp < 0) return fail("negative displacement in a 64-bit address");
  if (mem.base == kNone || ((state_ >> mem.base) & 1)) return true;
  if (module_.memories[0].limits.is_64)
    return ((checked_ >> mem.base) & 1) || fail("address is neither zero-extended nor compared");
  return fail("address is not zero-extended");
}

/// `[base + index + disp]`, with the reach of form B.
bool Checker::check_based(const Mem& mem) {
  if (!trap_here_) return fail("access without a trap site");
  if (mem.gs || mem.addr32 || mem.scale != 0) return fail("memory operand of no allowed form");
  if (reserved(mem.index)) return fail("rsp, r15 or rip in an address");
  if (mem.disp < 0) return fail("negative displacement in a 64-bit address");
  if (mem.index == kNone || ((state_ >> mem.index) & 1)) return true;
  if ((wide_bases_ >> mem.base) & 1)
    return ((checked_ >> mem.index) & 1) || fail("address is neither zero-extended nor compared");
  return fail("address is not zero-extended");
}

/// `mov base, [r15 + base of a memory]`
bool Checker::check_base_load(const Insn& i, std::uint32_t memory) {
  const auto bit = static_cast<std::uint16_t>(1u << i.reg);
  transfer(i);
  bases_ |= bit;
  if (module_.memories[memory].limits.is_64) wide_bases_ |= bit;
  return true;
}

bool Checker::check_context(const Insn& i) {
  const Mem& mem = i.mem;
  if (mem.disp < 0) return fail("access to the context outside its areas");
  const auto offset = static_cast<std::uint32_t>(mem.disp);
  if (offset == offsetof(InstanceContext, ref_base)) {
    if (mem.write || mem.width != 4) return fail("ref_base allows 4-byte reads only");
    transfer(i);
    return true;
  }
  if (offset >= layout_.tags && offset < layout_.tags + module_.tags.size() * 4) {
    if (mem.write || mem.width != 4 || (offset - layout_.tags) % 4 != 0)
      return fail("tags allow 4-byte reads only");
    transfer(i);
    return true;
  }
  const bool loads_pointer = i.kind == Kind::mov && i.reg_is_dst && i.size == 8;
  if (offset == offsetof(InstanceContext, gc_base)) {
    if (!loads_pointer || !code_.uses_heap) return fail("access to the context outside its areas");
    transfer(i);
    bases_ |= static_cast<std::uint16_t>(1u << i.reg);
    return true;
  }
  if (offset >= layout_.records && offset < layout_.records + module_.types.size() * 4) {
    if (i.mem.write || i.mem.width != 4 || offset % 4 != 0)
      return fail("type record allows 4-byte reads only");
    transfer(i);
    return true;
  }
  const std::uint64_t memories = module_.memories.size(), tables = module_.tables.size();
  if (offset >= layout_.memories && offset < layout_.memories + memories * sizeof(MemoryRef)) {
    const std::uint32_t field = (offset - layout_.memories) % sizeof(MemoryRef);
    if (loads_pointer && field == offsetof(MemoryRef, base))
      return check_base_load(i, (offset - layout_.memories) / static_cast<std::uint32_t>(sizeof(MemoryRef)));
    if (!loads_pointer || field != offsetof(MemoryRef, pages))
      return fail("access to the context outside its areas");
    const std::uint8_t pointer = i.reg;
    transfer(i);
    if (!fetch()) return false;
    const Insn& size = insn();
    const std::uint32_t memory = (offset - layout_.memories) / static_cast<std::uint32_t>(sizeof(MemoryRef));
    const unsigned width = module_.memories[memory].limits.is_64 ? 8 : 4;
    if (size.kind != Kind::mov || !size.reg_is_dst || size.size != width || !size.has_mem ||
        !is_simple(size.mem, pointer, 0))
      return fail("pointer to a memory's size used for something else");
    if (reserved(size.reg)) return fail("rsp or r15 as an operand");
    transfer(size);
    return true;
  }
  if (offset == offsetof(InstanceContext, functions)) {
    if (!loads_pointer) return fail("access to the context outside its areas");
    return call_by_reference(i);
  }
  if (offset >= layout_.tables && offset < layout_.tables + tables * 8) {
    if (!loads_pointer || (offset - layout_.tables) % 8 != 0)
      return fail("access to the context outside its areas");
    return table_size(i);
  }
  if (offset >= layout_.globals && offset < layout_.globals + module_.globals.size() * 16)
    return check_global(i, offset - layout_.globals);
  return fail("access to the context outside its areas");
}

bool Checker::check_global(const Insn& i, std::uint32_t offset) {
  if (offset % 16 != 0) return fail("access inside a global");
  const std::uint32_t index = offset / 16;
  const GlobalType& type = module_.globals[index].type;
  const std::uint8_t width = width_of(type.type);
  if (!global_is_indirect(module_, index)) {
    if (i.mem.width != width) return fail("access of another width than the global's");
    if (i.mem.write && !type.is_mutable) return fail("write to an immutable global");
    transfer(i);
    return true;
  }
  if (i.kind != Kind::mov || !i.reg_is_dst || i.size != 8)
    return fail("pointer to a global used for something else");
  const std::uint8_t pointer = i.reg;
  transfer(i);
  if (!fetch()) return false;
  const Insn& use = insn();
  if (!use.has_mem || !is_simple(use.mem, pointer, 0) || use.mem.width != width || use.atomic)
    return fail("pointer to a global used for something else");
  if ((use.named | use.written) & (1u << kRsp | 1u << kR15)) return fail("rsp or r15 as an operand");
  // The pointer itself must not become a value.
  if ((use.named & (1u << pointer)) && !(use.kind == Kind::mov && use.reg_is_dst))
    return fail("pointer to a global used for something else");
  switch (use.kind) {
    case Kind::lea:
    case Kind::call_mem:
    case Kind::jmp_rm:
    case Kind::nop: return fail("pointer to a global used for something else");
    case Kind::div:
      if (!trap_here_) return fail("division without a trap site");
      break;
    default: break;
  }
  transfer(use);
  return true;
}

}  // namespace nebulet::wasm::verify
