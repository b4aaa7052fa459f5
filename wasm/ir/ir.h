// SPDX-License-Identifier: MIT
// The engine's SSA form: what the front end builds, the passes of wasm/opt rewrite and wasm/x64 selects from.
// Knows nothing of wasm's stack discipline and nothing of x86.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "base/ids.h"

namespace nebulet::wasm::ir {

using Value = Id<struct ValueTag>;  ///< an instruction and its first result
using Block = Id<struct BlockTag>;
using Edge = Id<struct EdgeTag>;

/// Type of a value. References are 32 bits wide, null is 0: `ref` those of the any, extern and exn
/// hierarchies, which the garbage collector traces; `funcref` those to functions, which it does not
/// (runtime/layout.h).
enum class Type : std::uint8_t { none, i32, i64, f32, f64, v128, ref, funcref };
constexpr bool is_ref(Type type) { return type == Type::ref || type == Type::funcref; }

/// How a load or store touches memory: the width, and for narrow loads the extension to the value's type.
enum class Access : std::uint8_t { u8, s8, u16, s16, u32, s32, full };

/// How a vector operation divides its 128 bits; `all`: not at all.
enum class Lanes : std::uint8_t { i8x16, i16x8, i32x4, i64x2, f32x4, f64x2, all };

/// Why code traps; the spec's trap kinds. Order is part of code objects and of the fault reports.
enum class Trap : std::uint8_t {
#define NB_TRAP(name, text) name,
#include "wasm/ir/traps.def"
#undef NB_TRAP
};

/// Operations. `ops.def` gives each its operands, its effects and its text.
enum class Op : std::uint16_t {
#define NB_IR_OP(name, operands, effects) name,
#include "wasm/ir/ops.def"
#undef NB_IR_OP
};

/// What an operation does beside computing its results. A pass may delete an unused instruction without
/// effects, and may merge two equal ones. Reads may move over other reads only.
enum Effect : std::uint16_t {
  kPure = 0,
  kTraps = 1,        ///< may trap; may not be deleted or moved over another effect
  kReadsMemory = 2,  ///< linear memory
  kWritesMemory = 4,
  kReadsState = 8,  ///< globals, tables, memory sizes
  kWritesState = 16,
  kTerminator = 32,
  kCalls = 64,       ///< runs other code: everything above, and all registers are gone
  kReadsHeap = 128,  ///< mutable fields and elements of objects of the garbage-collected heap
  kWritesHeap = 256,
};

/// One instruction. The fields an operation uses are listed in ops.def.
struct Inst {
  Op op = Op::nop;
  Type type = Type::none;  ///< of the first result; none if there is none
  union {
    Access access = Access::full;  ///< loads and stores
    Lanes lanes;                   ///< vector operations
  };
  Value a, b, c;            ///< operands
  std::uint32_t args = 0;   ///< first entry in Function::pool, for operations with an operand list
  std::uint32_t count = 0;  ///< entries in the pool, or edges of a br_table with the default
  union {
    std::int64_t imm = 0;  ///< constant (floats: the bits), offset, index; see ops.def
    std::uint64_t bits;
  };
};
static_assert(sizeof(Inst) == 32);
static_assert(static_cast<int>(Access::full) == static_cast<int>(Lanes::all));

/// Control flow from the end of `from` to the start of `to`. Its arguments become `to`'s parameters in order.
struct EdgeData {
  Block from, to;
  std::uint32_t args = 0;  ///< in Function::pool
  std::uint32_t count = 0;
};

/// A basic block: parameters, then instructions, of which only the last is a terminator.
struct BlockData {
  std::uint32_t first = 0, count = 0;         ///< instructions, in Function::order
  std::uint32_t params = 0, param_count = 0;  ///< Values with Op::param, in Function::pool
  std::uint32_t preds = 0,
                pred_count = 0;  ///< incoming Edges (by index), in Function::pool; set by compute_cfg
  Block idom;                    ///< immediate dominator; set by compute_cfg; none for the entry
  std::uint32_t loop_depth = 0;  ///< 0 outside any loop; set by compute_cfg
  Block loop_header;             ///< header of the innermost loop around it (itself for a header), or none
  bool cold = false;             ///< ends in a trap, or marked unlikely
};

/// One function. Arrays are indexed by the Id types; instructions of a block lie contiguously in `order`.
/// Block 0 is the entry; it has no predecessors and its parameters are the function's.
struct Function {
  explicit Function(Arena& arena)
      : insts(arena),
        positions(arena),
        order(arena),
        blocks(arena),
        edges(arena),
        pool(arena),
        results(arena),
        arena(&arena) {}

  ArenaVector<Inst> insts;               ///< by Value
  ArenaVector<std::uint32_t> positions;  ///< by Value: byte offset of the wasm instruction in the module
  ArenaVector<Value> order;              ///< the instructions of all blocks, block after block
  ArenaVector<BlockData> blocks;         ///< by Block
  ArenaVector<EdgeData> edges;           ///< by Edge
  ArenaVector<std::uint32_t> pool;       ///< operand lists, parameters, predecessors
  ArenaVector<Type> results;             ///< of the function
  std::uint32_t index = 0;               ///< in the module's function index space
  /// A part of a function (frontend/cells.h): blocks have no cfg, and edges lead to labels of the whole
  /// function.
  bool is_segment = false;
  bool continues = false;  ///< a segment behind the first one: block 0 is not the entry
  Arena* arena;

  Inst& operator[](Value v) { return insts[v.index]; }
  const Inst& operator[](Value v) const { return insts[v.index]; }
  BlockData& operator[](Block b) { return blocks[b.index]; }
  const BlockData& operator[](Block b) const { return blocks[b.index]; }
  EdgeData& operator[](Edge e) { return edges[e.index]; }
  const EdgeData& operator[](Edge e) const { return edges[e.index]; }

  /// Adds an instruction to the tables; the caller places it in `order`.
  Value add(const Inst& inst, std::uint32_t position) {
    insts.push_back(inst);
    positions.push_back(position);
    return Value(insts.size() - 1);
  }
  std::span<const Value> body(Block b) const { return order.slice((*this)[b].first, (*this)[b].count); }
  std::span<Value> body(Block b) { return order.slice((*this)[b].first, (*this)[b].count); }
  Value terminator(Block b) const { return body(b).back(); }
  /// The pool's entries as values.
  std::span<Value> values(std::uint32_t at, std::uint32_t count) {
    return {reinterpret_cast<Value*>(pool.data() + at), count};
  }
  std::span<const Value> values(std::uint32_t at, std::uint32_t count) const {
    return {reinterpret_cast<const Value*>(pool.data() + at), count};
  }
  std::span<const Value> params(Block b) const { return values((*this)[b].params, (*this)[b].param_count); }
  std::span<const Value> args(const Inst& inst) const { return values(inst.args, inst.count); }
  std::span<const Value> args(Edge e) const { return values((*this)[e].args, (*this)[e].count); }
};
static_assert(sizeof(Value) == sizeof(std::uint32_t));

/// Label `from` of a function in segments is label `to`.
struct LabelAlias {
  std::uint32_t from, to;
};

struct OpInfo {
  const char* name;
  std::uint8_t operands;  ///< of a, b, c; how many are used
  std::uint16_t effects;  ///< Effect bits
};
const OpInfo& info(Op op);
inline bool has_effect(Op op, unsigned effects) { return (info(op).effects & effects) != 0; }
/// Whether the operands are (also) a list in the pool: Inst::args and count.
inline bool has_operand_list(Op op) {
  return op == Op::call || op == Op::call_indirect || op == Op::call_ref || op == Op::return_call ||
         op == Op::return_call_indirect || op == Op::return_call_ref || op == Op::return_ ||
         op == Op::add128_high || op == Op::sub128_high || op == Op::throw_;
}
const char* trap_text(Trap trap);

/// The outgoing edges of a terminator, in order: br 1, br_if 2 (taken, else), br_table count, on_throw 2
/// (thrown, else), others 0.
/// They are contiguous: the first is edge `inst.imm`.
inline std::uint32_t edge_count(const Inst& inst) {
  return inst.op == Op::br                                 ? 1
         : inst.op == Op::br_if || inst.op == Op::on_throw ? 2
         : inst.op == Op::br_table                         ? inst.count
                                                           : 0;
}
inline Edge edge_at(const Inst& inst, std::uint32_t i) {
  return Edge(static_cast<std::uint32_t>(inst.imm) + i);
}

}  // namespace nebulet::wasm::ir
