// SPDX-License-Identifier: MIT
// Global register allocation: spill by next-use distance, then colour along the dominator tree.
// Braun, Hack: Register Spilling and Live-Range Splitting for SSA-Form Programs (CC 2009).
#pragma once

#include <cstdint>

#include "wasm/regalloc/mir.h"

namespace nebulet::wasm::regalloc {

/// Where an operand ended up: a register, or a spill slot (byte offset in the spill area).
struct Location {
  std::uint32_t value = 0;  ///< < 32: PReg number; otherwise 32 + byte offset of the slot
  static constexpr Location reg(mir::PReg r) { return {r.number}; }
  static constexpr Location slot(std::uint32_t byte_offset) { return {32 + byte_offset}; }
  constexpr bool is_reg() const { return value < 32; }
  constexpr mir::PReg preg() const { return mir::PReg{static_cast<std::uint8_t>(value)}; }
  constexpr std::uint32_t slot_offset() const { return value - 32; }
  constexpr bool operator==(const Location&) const = default;
};

/// A move, spill, reload or repeated definition that the allocator adds. Edits come sorted by `before`; those
/// of one point are executed in order, and are placed before instruction `before`. A position past the end of
/// a block's last non-terminator (the terminator's index) serves the block's outgoing edge, its first index
/// the incoming one.
struct Edit {
  std::uint32_t before;  ///< index in mir::Function::insts
  std::uint32_t width;   ///< bytes to move: 4, 8, 16
  Location from, to;     ///< never slot to slot. A register swap is `swap`
  enum class Kind : std::uint8_t { move, swap, remat } kind = Kind::move;
  /// Kind remat: index of the instruction to repeat with its def in `to`. If that is a slot, nothing but
  /// `width` bytes of it and vec_scratch may change.
  std::uint32_t remat = 0;
};

/// Registers that the allocator may use, in order of preference, and a scratch register that it may use
/// inside edits.
struct Registers {
  mir::PRegSet allocatable;
  mir::PReg vec_scratch;  ///< for cycles of vec moves and for slot-to-slot moves of either class
};

constexpr std::uint32_t kNoStackMap = 0xffffffff;
/// The slots that hold traced references during some calls, as byte offsets in Result::map_slots from `first`
/// to where the next map begins: all of them, or, if not `full`, those in which it differs from the map
/// before.
struct StackMapEntry {
  std::uint32_t first = 0;
  bool full = true;
};
/// How many differences may follow a full map until one with `slots` slots is full again: so that all maps
/// together are linear in the changes, and each is found in linear time.
constexpr std::uint32_t stack_map_chain(std::uint32_t slots) { return slots < 16 ? 16 : slots; }

struct Result {
  ArenaVector<Location> operands;  ///< parallel to mir::Function::operands
  ArenaVector<Edit> edits;
  ArenaVector<bool> dead;  ///< by instruction: deleted (a coalesced move, a definition that is only repeated)
  /// By block × 16: the vreg in each gpr at the block's first instruction (before edits at that point), or
  /// none. This is what the verifier is told about zero-extension at labels.
  ArenaVector<mir::VReg> entry_gprs;
  ArenaVector<StackMapEntry> maps;
  ArenaVector<std::uint32_t> map_slots;
  ArenaVector<std::uint32_t>
      map_of;              ///< by instruction, for calls: index in maps or kNoStackMap; empty without maps
  bool exact_maps = true;  ///< false: maps may name slots that hold something else, or nothing yet
  std::uint32_t spill_bytes = 0;  ///< size of the spill area, a multiple of 8
  explicit Result(Arena& arena)
      : operands(arena),
        edits(arena),
        dead(arena),
        entry_gprs(arena),
        maps(arena),
        map_slots(arena),
        map_of(arena) {}
  std::uint32_t stack_map(std::uint32_t inst) const { return map_of.empty() ? kNoStackMap : map_of[inst]; }
};

/// Live-in entries that a function may have beside 16 for each instruction before the allocator falls back.
constexpr std::uint32_t kLiveInBudget = 64 * 1024;

enum class Mode : std::uint8_t {
  global,       ///< block_local past the budget
  block_local,  ///< every value that is live across blocks in its slot; linear in the function's size
};

/// Allocates registers for `function`, whose operands it may exchange where an instruction is commutative.
/// Cost: O(n log n) in the size of the function and of its live-in sets; past the budget it falls back to
/// block-local allocation. A rematerializable definition is always dead: it is repeated where it is first
/// needed.
Result allocate(mir::Function& function, const Registers& registers, Arena& arena, Mode mode = Mode::global);

}  // namespace nebulet::wasm::regalloc
