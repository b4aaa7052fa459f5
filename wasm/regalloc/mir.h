// SPDX-License-Identifier: MIT
// The machine form between instruction selection and encoding: instructions of a target over virtual
// registers, with the constraints that the register allocator must meet. Opcodes and immediates mean nothing
// to the allocator.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "base/ids.h"

namespace nebulet::wasm::mir {

using VReg = Id<struct VRegTag>;
using Block = Id<struct MirBlockTag>;

/// Register class. A spill slot has the class's width: 8 bytes for gpr, f32 and f64; 16 for v128.
enum class RegClass : std::uint8_t { gpr, vec };

/// A physical register: gpr 0…15 in the processor's encoding, vec 16…31.
struct PReg {
  std::uint8_t number = 0xff;
  constexpr bool valid() const { return number != 0xff; }
  constexpr RegClass reg_class() const { return number < 16 ? RegClass::gpr : RegClass::vec; }
  constexpr std::uint8_t encoding() const { return number & 15; }
  constexpr bool operator==(const PReg&) const = default;
};
constexpr PReg gpr(std::uint8_t n) { return PReg{n}; }
constexpr PReg vec(std::uint8_t n) { return PReg{static_cast<std::uint8_t>(16 + n)}; }

/// A set of physical registers.
struct PRegSet {
  std::uint32_t bits = 0;
  constexpr bool contains(PReg r) const { return (bits >> r.number) & 1; }
  constexpr void insert(PReg r) { bits |= 1u << r.number; }
  constexpr void erase(PReg r) { bits &= ~(1u << r.number); }
  constexpr PRegSet operator|(PRegSet o) const { return {bits | o.bits}; }
  constexpr PRegSet operator&(PRegSet o) const { return {bits & o.bits}; }
};

/// What a virtual register holds: its class, its width, and what the verifier may be told of it.
struct VRegInfo {
  RegClass reg_class = RegClass::gpr;
  std::uint8_t width =
      8;  ///< bytes that a spill must keep: 4, 8 or 16. 4-byte gprs are reloaded zero-extended
  bool zero_extended = false;  ///< gpr: the upper 32 bits are 0 (every i32; an i64 known to be below 2^32)
  bool rematerializable =
      false;  ///< its defining instruction has no register uses and no effect: repeat it rather than spill
  bool traced = false;     ///< a reference that the garbage collector must find: stack maps name its slot
  bool base = false;       ///< gpr: the base of a memory's or heap's slot; rematerializable, so never spilled
  bool wide_base = false;  ///< base: of the slot of a memory with 64-bit addresses
};

/// Where an operand may live.
enum class Constraint : std::uint8_t {
  reg,          ///< any register of the class
  fixed,        ///< the register `fixed`
  reg_or_slot,  ///< a use that the instruction can read from its spill slot (a memory operand)
  reuse,        ///< a def in the same register as the use operand number `fixed.number` (two-address form)
};

/// When an operand is live. A `use` is read before anything is written; a `def` is written after all uses are
/// read, so it may share a use's register; an `early_def` is written while uses are still to be read, so it
/// may not. A temporary is an early_def of a vreg that has no uses. A `late_use` is read after early defs and
/// plain defs are written: it may share no register with a def.
enum class Role : std::uint8_t { use, late_use, def, early_def };

struct Operand {
  VReg vreg;
  Constraint constraint = Constraint::reg;
  Role role = Role::use;
  PReg fixed;  ///< for fixed: the register; for reuse: the index of the use operand within the instruction
  std::uint8_t pad = 0;
};
static_assert(sizeof(Operand) == 8);

enum InstFlags : std::uint8_t {
  kCommutative = 1,  ///< use operands 0 and 1 may be exchanged (the reuse def names operand 0)
  kMove = 2,         ///< one use, one def: a plain copy; deleted if both get one register
  kCall = 4,         ///< all registers but the instruction's own defs are lost (see `clobbers`), a safepoint
  kTerminator = 8,
  /// A terminator of two edges, the first of which control takes out of the block's last call: no register
  /// holds anything there, and what slots hold is what they held at the call. That edge's target has no
  /// parameters.
  kThrows = 16,
};

/// One machine instruction. `op`, `aux`, `disp` and `imm` belong to the target (wasm/x64/mops.def).
struct Inst {
  std::uint16_t op = 0;
  std::uint8_t flags = 0;
  std::uint8_t operand_count =
      0;  ///< uses first, in the order that the target defines; then defs. Calls: up to 255
  std::uint32_t operands = 0;  ///< first in Function::operands
  std::uint32_t aux = 0;       ///< target: sizes, condition codes, addressing form
  std::int32_t disp = 0;       ///< target: displacement of a memory operand
  std::int64_t imm = 0;        ///< target: immediate
  std::uint32_t position = 0;  ///< byte offset of the wasm instruction in the module
  /// Registers overwritten beside the defs, when all uses have been read: a `use` may lie in one, a late_use
  /// or a value that lives on may not. What is overwritten earlier is a fixed early_def. Defs without a fixed
  /// register avoid them, except for temporaries.
  PRegSet clobbers;
};

struct EdgeData {
  Block to;
  std::uint32_t args = 0;  ///< vregs in Function::pool; parallel to the target's params
  std::uint32_t count = 0;
};

struct BlockData {
  std::uint32_t first = 0, count = 0;         ///< instructions, contiguous in Function::insts
  std::uint32_t params = 0, param_count = 0;  ///< vregs in Function::pool
  std::uint32_t succs = 0, succ_count = 0;    ///< EdgeData in Function::edges, in the terminator's order
  std::uint32_t preds = 0, pred_count = 0;    ///< block indices in Function::pool; one entry for each edge
  Block idom;
  Block loop_header;  ///< innermost; itself for a header; none outside loops
  std::uint32_t loop_depth = 0;
  bool cold = false;
};

/// A function in machine form.
/// Blocks are in the final layout order, which is a reverse postorder with contiguous loops, cold blocks
/// last: a block's idom has a lower index unless one of them is cold. No critical edges: if an edge's source
/// has several successors, its target has one predecessor and no parameters. Every vreg has exactly one
/// definition (SSA). The entry has no predecessors; the function's arguments are defs of an instruction at
/// its head with fixed registers.
struct Function {
  explicit Function(Arena& arena)
      : insts(arena),
        operands(arena),
        blocks(arena),
        edges(arena),
        pool(arena),
        vregs(arena),
        arena(&arena) {}
  ArenaVector<Inst> insts;
  ArenaVector<Operand> operands;
  ArenaVector<BlockData> blocks;
  ArenaVector<EdgeData> edges;
  ArenaVector<std::uint32_t> pool;
  ArenaVector<VRegInfo> vregs;
  Arena* arena;

  std::span<Operand> operands_of(const Inst& inst) {
    return operands.slice(inst.operands, inst.operand_count);
  }
  std::span<const Operand> operands_of(const Inst& inst) const {
    return operands.slice(inst.operands, inst.operand_count);
  }
  /// Whether a block is reached by an exception: the first edge of a terminator with kThrows.
  bool is_landing(std::uint32_t block) const {
    const BlockData& data = blocks[block];
    if (data.pred_count != 1) return false;
    const BlockData& from = blocks[pool[data.preds]];
    return from.count != 0 && (insts[from.first + from.count - 1].flags & kThrows) &&
           edges[from.succs].to.index == block;
  }
  std::span<const VReg> vregs_at(std::uint32_t at, std::uint32_t count) const {
    return {reinterpret_cast<const VReg*>(pool.data() + at), count};
  }
};

}  // namespace nebulet::wasm::mir
