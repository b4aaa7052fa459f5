// SPDX-License-Identifier: MIT
#include "wasm/verify/walk.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "wasm/verify/abi.h"

namespace nebulet::wasm::verify {
namespace {

struct Decoded {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

ZydisRegister wide(ZydisRegister reg) {
  return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
}
bool is_gpr(ZydisRegister reg) {
  const ZydisRegister w = wide(reg);
  return w >= ZYDIS_REGISTER_RAX && w <= ZYDIS_REGISTER_R15;
}
unsigned number(ZydisRegister reg) { return static_cast<unsigned>(wide(reg) - ZYDIS_REGISTER_RAX); }

/// Where the return address lies, from rsp at entry, and whether r11 holds it.
struct ReturnAddress {
  static constexpr std::int64_t kLost = std::int64_t{1} << 40;
  std::int64_t at = 0;
  bool in_r11 = false;
  bool operator==(const ReturnAddress&) const = default;
  ReturnAddress operator&(const ReturnAddress& o) const {
    return {at == o.at ? at : kLost, in_r11 && o.in_r11};
  }
};

/// What is known of gprs; bit n is about gpr n.
struct State {
  std::uint16_t zero = 0;   ///< the upper half is 0
  std::uint16_t base = 0;   ///< a memory's base
  std::uint16_t wide = 0;   ///< the base of a memory with 64-bit addresses
  std::uint16_t below = 0;  ///< below 2^34
  ReturnAddress kept = {};
  bool operator==(const State&) const = default;
  State operator&(const State& o) const {
    auto both = [](std::uint16_t x, std::uint16_t y) { return static_cast<std::uint16_t>(x & y); };
    return {both(zero, o.zero), both(base, o.base), both(wide, o.wide), both(below, o.below), kept & o.kept};
  }
};

class Walk {
 public:
  Walk(const CodeObject& code, const Module& module, std::uint32_t index)
      : code_(code), module_(module), layout_(ContextLayout::of(module)), f_(code.functions[index]) {
    for (const TypeDef& type : module.types) types_.push_back(abi_of(type.function));
    own_ = type_of(module.imported_functions + index);
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  std::string run() {
    flow(kEntry, f_.begin, {.zero = own_.arg_zero}, 0);
    while (why_.empty() && !work_.empty()) {
      const std::uint32_t pc = *work_.begin();
      work_.erase(work_.begin());
      visit(pc);
    }
    // Only now are all ways into an instruction known.
    for (const auto& [pc, node] : nodes_)
      if (why_.empty() && !node.sequence.empty()) check_sequence(pc, node.sequence);
    return why_;
  }

 private:
  static constexpr std::uint32_t kEntry = 0xffffffff;
  struct Node {
    State state;
    std::int64_t depth = 0;  ///< rsp minus rsp at entry
    std::set<std::uint32_t> from;
    std::vector<std::uint32_t> sequence;  ///< what must come before and nothing else
    bool seen = false;
  };

  TypeAbi type_of(std::uint32_t function) const { return types_[module_.functions[function].type]; }
  void bad(std::uint32_t pc, const std::string& what) {
    char where[32];
    std::snprintf(where, sizeof where, " at 0x%x", pc);
    if (why_.empty()) why_ = what + where;
  }

  bool decode(std::uint32_t pc, Decoded& d) {
    return pc < code_.text.size() &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, code_.text.data() + pc, code_.text.size() - pc,
                                               &d.insn, d.op));
  }

  void flow(std::uint32_t from, std::int64_t to, const State& state, std::int64_t depth) {
    if (to < f_.begin || to >= f_.end) return bad(from, "control leaves the function");
    Node& node = nodes_[static_cast<std::uint32_t>(to)];
    node.from.insert(from);
    const State met = node.seen ? node.state & state : state;
    if (node.seen && node.depth != depth) return bad(from, "rsp differs between ways");
    if (node.seen && met == node.state) return;
    node.seen = true;
    node.state = met;
    node.depth = depth;
    work_.insert(static_cast<std::uint32_t>(to));
  }

  /// The `count` instructions that lead to `pc`, oldest first, and `pc` itself; by the first way found.
  std::vector<std::uint32_t> before(std::uint32_t pc, unsigned count) {
    std::vector<std::uint32_t> chain{pc};
    while (chain.size() <= count) {
      const auto& from = nodes_[chain.front()].from;
      if (from.empty() || *from.begin() == kEntry) return {};
      chain.insert(chain.begin(), *from.begin());
    }
    return chain;
  }
  void check_sequence(std::uint32_t pc, const std::vector<std::uint32_t>& chain) {
    for (std::size_t i = 1; i < chain.size(); i++) {
      const auto& from = nodes_[chain[i]].from;
      if (from.size() != 1 || *from.begin() != chain[i - 1])
        return bad(pc, "sequence can be entered in its middle");
    }
  }

  bool reg(const Decoded& d, unsigned i, ZydisRegister r) {
    return d.op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && d.op[i].reg.value == r;
  }
  bool mem(const Decoded& d, unsigned i, ZydisRegister base, std::int64_t disp, unsigned bits) {
    const ZydisDecodedOperand& op = d.op[i];
    return op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.base == base &&
           op.mem.index == ZYDIS_REGISTER_NONE && op.mem.segment != ZYDIS_REGISTER_GS && op.size == bits &&
           (op.mem.disp.has_displacement ? op.mem.disp.value : 0) == disp;
  }
  std::int64_t disp(const Decoded& d, unsigned i) {
    return d.op[i].mem.disp.has_displacement ? d.op[i].mem.disp.value : 0;
  }
  bool is(const Decoded& d, ZydisMnemonic m) { return d.insn.mnemonic == m; }
  bool in(std::int64_t offset, std::uint64_t area, std::uint64_t count, std::uint64_t stride,
          std::uint64_t at) {
    return offset >= static_cast<std::int64_t>(area) &&
           (static_cast<std::uint64_t>(offset) - area) / stride < count &&
           (static_cast<std::uint64_t>(offset) - area) % stride == at;
  }

  /// `count` instructions of the call sequence, up to `pc`. Returns the type's number, or -1.
  std::int64_t indirect(std::uint32_t pc, unsigned count) {
    const std::vector<std::uint32_t> c = before(pc, count - 1);
    if (c.empty()) return -1;
    std::vector<Decoded> d(c.size());
    for (std::size_t i = 0; i < c.size(); i++) decode(c[i], d[i]);
    if (!is(d[0], ZYDIS_MNEMONIC_MOV) || !reg(d[0], 0, ZYDIS_REGISTER_R11) ||
        !mem(d[0], 1, ZYDIS_REGISTER_R15, disp(d[0], 1), 64) ||
        (!in(disp(d[0], 1), layout_.tables, module_.tables.size(), 8, 0) &&
         disp(d[0], 1) != offsetof(InstanceContext, functions)))
      return -1;
    const bool by_reference = disp(d[0], 1) == offsetof(InstanceContext, functions);
    const std::uint32_t ids = by_reference ? layout_.abis : layout_.signatures;
    if (!is(d[1], ZYDIS_MNEMONIC_CMP) || d[1].op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        !mem(d[1], 1, ZYDIS_REGISTER_R11, -8, 32))
      return -1;
    const ZydisRegister index = d[1].op[0].reg.value;
    if (wide(index) == ZYDIS_REGISTER_R10 || wide(index) == ZYDIS_REGISTER_R11) return -1;
    if (count > 2) {
      const bool bounded =
          is(d[2], ZYDIS_MNEMONIC_JNB) && is(d[3], ZYDIS_MNEMONIC_SBB) && reg(d[3], 0, ZYDIS_REGISTER_R10) &&
          reg(d[3], 1, ZYDIS_REGISTER_R10) && is(d[4], ZYDIS_MNEMONIC_AND) &&
          reg(d[4], 0, ZYDIS_REGISTER_R10D) && reg(d[4], 1, index) && is(d[5], ZYDIS_MNEMONIC_SHL) &&
          reg(d[5], 0, ZYDIS_REGISTER_R10) && d[5].op[1].imm.value.u == 5 && is(d[6], ZYDIS_MNEMONIC_ADD) &&
          reg(d[6], 0, ZYDIS_REGISTER_R10) && reg(d[6], 1, ZYDIS_REGISTER_R11) &&
          is(d[7], ZYDIS_MNEMONIC_MOV) && reg(d[7], 0, ZYDIS_REGISTER_R11D) &&
          mem(d[7], 1, ZYDIS_REGISTER_R15, disp(d[7], 1), 32) &&
          in(disp(d[7], 1), ids, types_.size(), 4, 0) && is(d[8], ZYDIS_MNEMONIC_CMP) &&
          mem(d[8], 0, ZYDIS_REGISTER_R10, by_reference ? 24 : 16, 32) && reg(d[8], 1, ZYDIS_REGISTER_R11D);
      if (!bounded) return -1;
      // The conditional jumps are passed, not taken.
      if (c[3] != c[2] + d[2].insn.length) return -1;
    }
    if (count > 9 && (!is(d[9], ZYDIS_MNEMONIC_JNZ) || c[10] != c[9] + d[9].insn.length)) return -1;
    nodes_[pc].sequence = c;
    return count > 2 ? (disp(d[7], 1) - ids) / 4 : 0;
  }

  /// The dispatch through a table, up to the load of the entry (5 instructions) or the jump (7).
  bool dispatch(std::uint32_t pc, unsigned count, std::vector<std::int64_t>* targets) {
    const std::vector<std::uint32_t> c = before(pc, count - 1);
    if (c.empty()) return false;
    std::vector<Decoded> d(c.size());
    for (std::size_t i = 0; i < c.size(); i++) decode(c[i], d[i]);
    if (!is(d[0], ZYDIS_MNEMONIC_MOV) || d[0].op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
        d[0].op[0].size != 32)
      return false;
    const ZydisRegister t = d[0].op[0].reg.value;
    if (!is(d[1], ZYDIS_MNEMONIC_CMP) || !reg(d[1], 1, t) || !is(d[2], ZYDIS_MNEMONIC_CMOVB) ||
        !reg(d[2], 0, t) || d[1].op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        !reg(d[2], 1, d[1].op[0].reg.value))
      return false;
    if (!is(d[3], ZYDIS_MNEMONIC_LEA) || d[3].op[1].mem.base != ZYDIS_REGISTER_RIP) return false;
    const ZydisRegister u = d[3].op[0].reg.value;
    const std::int64_t table =
        c[3] + d[3].insn.length + disp(d[3], 1) - static_cast<std::int64_t>(code_.text.size());
    const std::int64_t entries = static_cast<std::uint32_t>(d[0].op[1].imm.value.u) + std::int64_t{1};
    const ZydisDecodedOperand& load = d[4].op[1];
    if (!is(d[4], ZYDIS_MNEMONIC_MOVSXD) || d[4].op[0].reg.value != wide(t) || load.mem.base != u ||
        u == wide(t) || load.mem.index != wide(t) || load.mem.scale != 4 || disp(d[4], 1) != 0 ||
        d[3].op[0].size != 64)
      return false;
    if (table < 0 || table + entries * 4 > static_cast<std::int64_t>(code_.rodata.size())) return false;
    if (count == 7) {
      if (!is(d[5], ZYDIS_MNEMONIC_ADD) || !reg(d[5], 0, wide(t)) || !reg(d[5], 1, u) ||
          !reg(d[6], 0, wide(t)))
        return false;
      for (std::int64_t i = 0; i < entries; i++) {
        std::int32_t distance;
        std::memcpy(&distance, code_.rodata.data() + table + i * 4, 4);
        targets->push_back(static_cast<std::int64_t>(code_.text.size()) + table + distance);
      }
    }
    nodes_[pc].sequence = c;
    return true;
  }

  bool has(std::uint16_t set, ZydisRegister reg) { return (set >> number(reg)) & 1; }
  /// An address that stays inside its slot.
  bool small(const State& state, ZydisRegister reg, bool is_64) {
    return has(state.zero, reg) || (is_64 && has(state.below, reg));
  }

  /// The gpr that the instruction before the jump at `pc` compares with 2^34, or none.
  ZydisRegister compared(std::uint32_t pc) {
    const std::vector<std::uint32_t> c = before(pc, 1);
    Decoded d;
    if (c.empty() || !decode(c[0], d) || !is(d, ZYDIS_MNEMONIC_CMP) || d.op[0].size != 64 ||
        d.op[0].type != ZYDIS_OPERAND_TYPE_REGISTER || d.op[1].type != ZYDIS_OPERAND_TYPE_MEMORY ||
        d.op[1].mem.base != ZYDIS_REGISTER_RIP)
      return ZYDIS_REGISTER_NONE;
    const std::int64_t offset = pc + disp(d, 1) - static_cast<std::int64_t>(code_.text.size());
    std::uint64_t limit;
    if (offset < 0 || offset + 8 > static_cast<std::int64_t>(code_.rodata.size())) return ZYDIS_REGISTER_NONE;
    std::memcpy(&limit, code_.rodata.data() + offset, 8);
    if (limit != 1ull << 34) return ZYDIS_REGISTER_NONE;
    nodes_[pc].sequence = c;
    return d.op[0].reg.value;
  }

  void check_operand(std::uint32_t pc, const Decoded& d, const ZydisDecodedOperand& op, const Node& node) {
    const std::int64_t at = op.mem.disp.has_displacement ? op.mem.disp.value : 0, width = op.size / 8;
    const bool writes = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    if (op.mem.segment == ZYDIS_REGISTER_FS) return bad(pc, "fs");
    if (op.mem.segment == ZYDIS_REGISTER_GS) {
      if (op.mem.base == ZYDIS_REGISTER_RIP) return bad(pc, "gs with rip");
      if (d.insn.address_width == 32) return;
      if (op.mem.index != ZYDIS_REGISTER_NONE) return bad(pc, "gs with index");
      if (at < 0) return bad(pc, "gs with negative displacement");
      if (op.mem.base != ZYDIS_REGISTER_NONE &&
          !small(node.state, op.mem.base, module_.memories[0].limits.is_64))
        return bad(pc, "gs base is 64-bit");
      return;
    }
    if (d.insn.address_width != 64) return bad(pc, "address size");
    if (is_gpr(op.mem.base) && has(node.state.base, op.mem.base)) {
      if (at < 0) return bad(pc, "base with negative displacement");
      if (op.mem.index == ZYDIS_REGISTER_NONE) return;
      if (op.mem.scale != 1 || !small(node.state, op.mem.index, has(node.state.wide, op.mem.base)))
        bad(pc, "index of a base");
      return;
    }
    if (op.mem.base == ZYDIS_REGISTER_RIP) {
      const std::int64_t offset = pc + d.insn.length + at - static_cast<std::int64_t>(code_.text.size());
      if (writes || offset < 0 || offset + width > static_cast<std::int64_t>(code_.rodata.size()))
        bad(pc, "rip");
      return;
    }
    if ((d.insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) || is(d, ZYDIS_MNEMONIC_XCHG))
      return bad(pc, "atomic access outside linear memory");
    if (is(d, ZYDIS_MNEMONIC_MOVSXD) && op.mem.index != ZYDIS_REGISTER_NONE) {
      if (!dispatch(pc, 5, nullptr)) bad(pc, "load from a jump table");
      return;
    }
    if (op.mem.index != ZYDIS_REGISTER_NONE) return bad(pc, "index");
    if (op.mem.base == ZYDIS_REGISTER_RSP) {
      const std::int64_t begin = node.depth + at;
      const ReturnAddress& kept = node.state.kept;
      if (is(d, ZYDIS_MNEMONIC_MOV) && !writes && begin == kept.at && width == 8) return;
      const bool whole = at >= 0 && begin + width <= 8 + std::int64_t{own_.stack_args};
      if (writes && whole && kept.in_r11) return;
      if (!writes && node.depth == 0 && at < 0 && at >= -static_cast<std::int64_t>(kMaxFrame))
        return;  // a probe
      const bool own = at >= 0 && begin + width <= 0;
      const bool args = begin >= 8 && begin + width <= 8 + std::int64_t{own_.stack_args} + own_.stack_results;
      if (!own && !args) bad(pc, "stack");
      return;
    }
    if (op.mem.base == ZYDIS_REGISTER_R15) {
      if (is(d, ZYDIS_MNEMONIC_CALL)) return;
      const bool cell = at >= layout_.globals &&
                        at < layout_.globals + static_cast<std::int64_t>(module_.globals.size()) * 16;
      if (cell) {
        const auto i = static_cast<std::uint32_t>((at - layout_.globals) / 16);
        const GlobalType& type = module_.globals[i].type;
        if ((at - layout_.globals) % 16 + width > 16) return bad(pc, "global's width");
        if (writes && (global_is_indirect(module_, i) || !type.is_mutable))
          return bad(pc, "global is not writable");
        return;
      }
      const bool readable = (at == offsetof(InstanceContext, ref_base) && width == 4) ||
                            (in(at, layout_.memories, module_.memories.size(), 16, 0) && width == 8) ||
                            (in(at, layout_.memories, module_.memories.size(), 16, 8) && width == 8) ||
                            (in(at, layout_.tables, module_.tables.size(), 8, 0) && width == 8) ||
                            (at == offsetof(InstanceContext, functions) && width == 8) ||
                            (in(at, layout_.signatures, types_.size(), 4, 0) && width == 4) ||
                            (at == offsetof(InstanceContext, gc_base) && width == 8 && code_.uses_heap) ||
                            (in(at, layout_.abis, types_.size(), 4, 0) && width == 4) ||
                            (in(at, layout_.records, types_.size(), 4, 0) && width == 4) ||
                            (in(at, layout_.tags, module_.tags.size(), 4, 0) && width == 4);
      if (writes || !readable) bad(pc, "context");
      return;
    }
    // Through a pointer: the slot of an indirect call, or what the instruction before loaded from the
    // context.
    if (is(d, ZYDIS_MNEMONIC_CMP) && op.mem.base == ZYDIS_REGISTER_R10) {
      if (indirect(pc, 9) < 0) bad(pc, "element of a table");
      return;
    }
    const std::vector<std::uint32_t> c = before(pc, 1);
    Decoded load;
    if (c.empty() || !decode(c[0], load) || !is(load, ZYDIS_MNEMONIC_MOV) || !reg(load, 0, op.mem.base) ||
        !mem(load, 1, ZYDIS_REGISTER_R15, disp(load, 1), 64))
      return bad(pc, "pointer");
    const std::int64_t from = disp(load, 1);
    nodes_[pc].sequence = c;
    if (in(from, layout_.memories, module_.memories.size(), 16, 8) && !writes && at == 0 && width <= 8)
      return;
    if (in(from, layout_.tables, module_.tables.size(), 8, 0) && !writes && at == -8 && width <= 4) return;
    if (from == offsetof(InstanceContext, functions) && !writes && at == -8 && width <= 4) return;
    if (in(from, layout_.globals, module_.globals.size(), 16, 0) && at == 0 &&
        global_is_indirect(module_, static_cast<std::uint32_t>((from - layout_.globals) / 16)) &&
        width <= width_of(module_.globals[static_cast<std::size_t>(from - layout_.globals) / 16].type.type))
      return;
    bad(pc, "pointer to something else");
  }

  State state_after(const Decoded& d, const State& old) {
    const std::uint16_t before_state = old.zero;
    std::uint16_t state = before_state;
    State result = old;
    for (unsigned i = 0; i < d.insn.operand_count; i++) {
      const ZydisDecodedOperand& op = d.op[i];
      if (op.type != ZYDIS_OPERAND_TYPE_REGISTER || !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
          !is_gpr(op.reg.value))
        continue;
      const auto bit = static_cast<std::uint16_t>(1u << number(op.reg.value));
      result.base &= static_cast<std::uint16_t>(~bit);
      result.wide &= static_cast<std::uint16_t>(~bit);
      result.below &= static_cast<std::uint16_t>(~bit);
      const bool moves = is(d, ZYDIS_MNEMONIC_MOV) || is(d, ZYDIS_MNEMONIC_XCHG);
      if (moves && op.size == 64) {
        const ZydisDecodedOperand& from = d.op[1 - i];
        if (from.type == ZYDIS_OPERAND_TYPE_REGISTER && is_gpr(from.reg.value)) {
          if (has(old.base, from.reg.value)) result.base |= bit;
          if (has(old.wide, from.reg.value)) result.wide |= bit;
          if (has(old.below, from.reg.value)) result.below |= bit;
        } else if (from.type == ZYDIS_OPERAND_TYPE_MEMORY && from.mem.base == ZYDIS_REGISTER_R15 &&
                   disp(d, 1) == offsetof(InstanceContext, gc_base)) {
          result.base |= bit;
        } else if (from.type == ZYDIS_OPERAND_TYPE_MEMORY && from.mem.base == ZYDIS_REGISTER_R15 &&
                   in(disp(d, 1), layout_.memories, module_.memories.size(), 16, 0)) {
          result.base |= bit;
          if (module_.memories[(static_cast<std::size_t>(disp(d, 1)) - layout_.memories) / 16].limits.is_64)
            result.wide |= bit;
        }
      }
      if (op.size < 32) continue;
      bool zero = op.size == 32;
      auto source = [&](unsigned n) {
        return d.op[n].type == ZYDIS_OPERAND_TYPE_REGISTER && is_gpr(d.op[n].reg.value) &&
               ((before_state >> number(d.op[n].reg.value)) & 1);
      };
      const bool imm = d.insn.operand_count > 1 && d.op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
      const std::int64_t value = imm ? d.op[1].imm.value.s : -1;
      switch (d.insn.mnemonic) {
        case ZYDIS_MNEMONIC_BSF:
        case ZYDIS_MNEMONIC_BSR:
        case ZYDIS_MNEMONIC_CMPXCHG:
        case ZYDIS_MNEMONIC_SHLD:
        case ZYDIS_MNEMONIC_SHRD: zero = false; break;
        case ZYDIS_MNEMONIC_MOV: zero |= imm ? value >= 0 && value <= 0xffffffff : source(1); break;
        case ZYDIS_MNEMONIC_MOVZX:
        case ZYDIS_MNEMONIC_POPCNT:
        case ZYDIS_MNEMONIC_LZCNT:
        case ZYDIS_MNEMONIC_TZCNT:
        case ZYDIS_MNEMONIC_VMOVMSKPS:
        case ZYDIS_MNEMONIC_VMOVMSKPD:
        case ZYDIS_MNEMONIC_VPMOVMSKB:
        case ZYDIS_MNEMONIC_VPEXTRB:
        case ZYDIS_MNEMONIC_VPEXTRW: zero = true; break;
        case ZYDIS_MNEMONIC_AND: zero |= imm ? value >= 0 : source(0) || source(1); break;
        case ZYDIS_MNEMONIC_SHR: zero |= imm && ((value & 63) >= 32 || source(0)); break;
        case ZYDIS_MNEMONIC_XCHG: zero |= source(1 - i); break;
        default: break;
      }
      state = static_cast<std::uint16_t>(zero ? state | bit : state & ~bit);
    }
    result.zero = state;
    return result;
  }

  /// A jump to another function: the return address must be at rsp, where the callee pops as much as is above
  /// it.
  void left(std::uint32_t pc, const TypeAbi& abi, const Node& node) {
    if (abi.arg_zero & ~node.state.zero) return bad(pc, "argument's upper half");
    if (own_.result_zero & ~abi.result_zero) return bad(pc, "result's upper half");
    if (abi.stack_results != own_.stack_results) return bad(pc, "stack results of another size");
    if (node.depth != std::int64_t{own_.stack_args} - abi.stack_args)
      return bad(pc, "arguments of a tail call are elsewhere");
    if (node.state.kept.at != node.depth) bad(pc, "return address is elsewhere");
  }

  void called(std::uint32_t pc, const Decoded& d, const TypeAbi& abi, const Node& node) {
    if (abi.arg_zero & ~node.state.zero) return bad(pc, "argument's upper half");
    if (node.state.kept.at != 0) return bad(pc, "return address is lost");
    if (node.depth + abi.stack_args + abi.stack_results > 0)
      return bad(pc, "no room for arguments and results");
    const std::int64_t next = pc + d.insn.length;
    flow(pc, next, {.zero = abi.result_zero}, node.depth + abi.stack_args);
    for (const CallSite& site : code_.calls)
      if (site.return_pc == next && site.handler != 0)
        flow(pc, site.handler, {.zero = 1u << kRax | 1u << kRcx}, node.depth);
  }

  void visit(std::uint32_t pc) {
    const Node node = nodes_[pc];
    Decoded d;
    if (!decode(pc, d)) return bad(pc, "not an instruction");
    const std::int64_t next = pc + d.insn.length;
    if (d.insn.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) return bad(pc, "privileged");
    switch (d.insn.meta.category) {
      case ZYDIS_CATEGORY_IO:
      case ZYDIS_CATEGORY_IOSTRINGOP:
      case ZYDIS_CATEGORY_STRINGOP:
      case ZYDIS_CATEGORY_SYSCALL:
      case ZYDIS_CATEGORY_SYSTEM:
      case ZYDIS_CATEGORY_SEGOP:
      case ZYDIS_CATEGORY_FLAGOP:
      case ZYDIS_CATEGORY_X87_ALU:
      case ZYDIS_CATEGORY_PUSH:
      case ZYDIS_CATEGORY_POP:
      case ZYDIS_CATEGORY_INTERRUPT:
        if (!is(d, ZYDIS_MNEMONIC_UD2)) return bad(pc, "forbidden instruction");
        return;
      default: break;
    }
    if (is(d, ZYDIS_MNEMONIC_UD2)) return;
    for (unsigned i = 0; i < d.insn.operand_count; i++) {
      const ZydisDecodedOperand& op = d.op[i];
      if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type == ZYDIS_MEMOP_TYPE_MEM &&
          !is(d, ZYDIS_MNEMONIC_NOP) && op.visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
          !is(d, ZYDIS_MNEMONIC_CALL) && !is(d, ZYDIS_MNEMONIC_JMP))
        check_operand(pc, d, op, node);
    }
    if (!why_.empty()) return;
    if (is(d, ZYDIS_MNEMONIC_RET)) {
      const std::uint64_t pop = d.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? d.op[0].imm.value.u : 0;
      if (node.depth != 0 || node.state.kept.at != 0 || pop != own_.stack_args)
        return bad(pc, "ret with a wrong stack");
      if (own_.result_zero & ~node.state.zero) bad(pc, "result's upper half");
      return;
    }
    if (is(d, ZYDIS_MNEMONIC_JMP) && d.op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
      return visit_slot(pc, d, [&](const TypeAbi& abi) { left(pc, abi, node); });
    if (is(d, ZYDIS_MNEMONIC_JMP) && d.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
      std::vector<std::int64_t> targets;
      if (!dispatch(pc, 7, &targets)) return bad(pc, "indirect jump");
      for (const std::int64_t target : targets) flow(pc, target, node.state, node.depth);
      return;
    }
    if (is(d, ZYDIS_MNEMONIC_CALL)) return visit_call(pc, d, node);
    if (d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
      if (d.op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return bad(pc, "branch");
      const std::int64_t target = next + d.op[0].imm.value.s;
      const bool own_label =
          target >= f_.begin && target < f_.end &&
          std::ranges::any_of(code_.labels, [&](const Label& l) { return l.pc == target; });
      if (const TypeAbi* callee = function_at(target); callee && is(d, ZYDIS_MNEMONIC_JMP) && !own_label)
        return left(pc, *callee, node);
      flow(pc, target, node.state, node.depth);
      State passed = node.state;
      if (is(d, ZYDIS_MNEMONIC_JNB))
        if (const ZydisRegister r = compared(pc); r != ZYDIS_REGISTER_NONE)
          passed.below |= static_cast<std::uint16_t>(1u << number(r));
      if (!is(d, ZYDIS_MNEMONIC_JMP)) flow(pc, next, passed, node.depth);
      return;
    }
    std::int64_t depth = node.depth;
    ReturnAddress kept = node.state.kept;
    for (unsigned i = 0; i < d.insn.operand_count; i++) {
      const ZydisDecodedOperand& op = d.op[i];
      if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.base == ZYDIS_REGISTER_RSP &&
          (op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
        const std::int64_t begin = node.depth + disp(d, i);
        if (kept.in_r11 && is(d, ZYDIS_MNEMONIC_MOV) && reg(d, 1, ZYDIS_REGISTER_R11))
          kept.at = begin;
        else if (begin < kept.at + 8 && begin + op.size / 8 > kept.at)
          kept.at = ReturnAddress::kLost;
      }
      if (op.type != ZYDIS_OPERAND_TYPE_REGISTER || !(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
          !is_gpr(op.reg.value))
        continue;
      if (wide(op.reg.value) == ZYDIS_REGISTER_R15) return bad(pc, "r15 is written");
      if (wide(op.reg.value) == ZYDIS_REGISTER_R11)
        kept.in_r11 = is(d, ZYDIS_MNEMONIC_MOV) && mem(d, 1, ZYDIS_REGISTER_RSP, kept.at - node.depth, 64);
      if (wide(op.reg.value) != ZYDIS_REGISTER_RSP) continue;
      const bool add = is(d, ZYDIS_MNEMONIC_ADD), sub = is(d, ZYDIS_MNEMONIC_SUB);
      if ((!add && !sub) || op.size != 64 || d.op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return bad(pc, "rsp is written");
      depth += add ? d.op[1].imm.value.s : -d.op[1].imm.value.s;
      if (depth > (kept.in_r11 ? own_.stack_args : 0) || depth < -static_cast<std::int64_t>(kMaxFrame))
        return bad(pc, "rsp leaves the frame");
    }
    State after = state_after(d, node.state);
    after.kept = kept;
    flow(pc, next, after, depth);
  }

  const TypeAbi* function_at(std::int64_t target) {
    for (std::uint32_t i = 0; i < code_.functions.size(); i++)
      if (code_.functions[i].begin == target)
        return &types_[module_.functions[module_.imported_functions + i].type];
    return nullptr;
  }

  void visit_call(std::uint32_t pc, const Decoded& d, const Node& node) {
    if (d.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
      const TypeAbi* callee = function_at(pc + d.insn.length + d.op[0].imm.value.s);
      return callee ? called(pc, d, *callee, node) : bad(pc, "call to no function");
    }
    if (mem(d, 0, ZYDIS_REGISTER_R15, disp(d, 0), 64) && in(disp(d, 0), 0, kBuiltinCount, 8, 0)) {
      const auto service = static_cast<Builtin>(disp(d, 0) / 8);
      if (service == Builtin::throw_ || service == Builtin::catch_) return visit_tagged(pc, d, node, service);
      const BuiltinAbi abi = abi_of(service);
      return called(pc, d, {abi.arg_zero, abi.result_zero, 0, 0}, node);
    }
    visit_slot(pc, d, [&](const TypeAbi& abi) { called(pc, d, abi, node); });
  }

  /// A service whose convention the tag in r11 decides.
  void visit_tagged(std::uint32_t pc, const Decoded& d, const Node& node, Builtin service) {
    const std::vector<std::uint32_t> c = before(pc, 1);
    Decoded tag;
    if (c.empty() || !decode(c[0], tag) || !is(tag, ZYDIS_MNEMONIC_MOV) ||
        !reg(tag, 0, ZYDIS_REGISTER_R11D) || tag.op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
        static_cast<std::uint32_t>(tag.op[1].imm.value.u) >= module_.tags.size())
      return bad(pc, "tag");
    nodes_[pc].sequence = c;
    const TypeAbi& payload = types_[module_.tags[static_cast<std::uint32_t>(tag.op[1].imm.value.u)].type];
    if (service == Builtin::throw_) return called(pc, d, {payload.arg_zero, 0, payload.stack_args, 0}, node);
    called(pc, d, {1u << kRax, payload.arg_zero, 0, payload.stack_args}, node);
  }

  /// A call or jump through the slot in r10: `use` gets the callee's convention. Between the check of an
  /// element and a jump the frame is taken down.
  void visit_slot(std::uint32_t pc, const Decoded& d, auto use) {
    if (!mem(d, 0, ZYDIS_REGISTER_R10, 0, 64)) return bad(pc, "indirect call");
    const std::vector<std::uint32_t> c = before(pc, 1);
    Decoded lea;
    if (!c.empty() && decode(c[0], lea) && is(lea, ZYDIS_MNEMONIC_LEA)) {
      const std::int64_t slot = disp(lea, 1);
      if (!reg(lea, 0, ZYDIS_REGISTER_R10) || lea.op[1].mem.base != ZYDIS_REGISTER_R15 ||
          lea.op[1].mem.index != ZYDIS_REGISTER_NONE ||
          !in(slot, layout_.imports, module_.imported_functions, sizeof(FuncSlot), 0))
        return bad(pc, "import slot");
      nodes_[pc].sequence = c;
      return use(type_of(static_cast<std::uint32_t>((slot - layout_.imports) /
                                                    static_cast<std::int64_t>(sizeof(FuncSlot)))));
    }
    // Moves and the end of the frame leave r10 as it is.
    std::vector<std::uint32_t> chain{pc};
    while (is(d, ZYDIS_MNEMONIC_JMP)) {
      const std::vector<std::uint32_t> previous = before(chain.front(), 1);
      Decoded i;
      if (previous.empty() || !decode(previous[0], i)) break;
      if (!is(i, ZYDIS_MNEMONIC_VMOVSD) && !is(i, ZYDIS_MNEMONIC_ADD) && !is(i, ZYDIS_MNEMONIC_MOV)) break;
      if (i.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && wide(i.op[0].reg.value) == ZYDIS_REGISTER_R10) break;
      chain.insert(chain.begin(), previous[0]);
    }
    if (chain.size() > 1) nodes_[pc].sequence = chain;
    const std::int64_t type = indirect(chain.front(), 11);
    if (type < 0) return bad(pc, "indirect call");
    use(types_[static_cast<std::size_t>(type)]);
  }

  const CodeObject& code_;
  const Module& module_;
  const ContextLayout layout_;
  const CodeFunction& f_;
  std::vector<TypeAbi> types_;
  TypeAbi own_;
  ZydisDecoder decoder_;
  std::map<std::uint32_t, Node> nodes_;
  std::set<std::uint32_t> work_;
  std::string why_;
};

}  // namespace

std::string why_unsafe(const CodeObject& code, const Module& module, std::uint32_t index) {
  return Walk(code, module, index).run();
}

}  // namespace nebulet::wasm::verify
