// SPDX-License-Identifier: MIT
// The forward walk: which values are in registers at each point, and in which. Blocks are visited in reverse
// postorder; a block starts from the registers of its hottest predecessor; differences are settled on the
// edges afterwards.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "wasm/regalloc/liveness.h"
#include "wasm/regalloc/moves.h"
#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc {

/// Occupant (vreg) of each register, or kNone.
using RegState = std::array<std::uint32_t, 32>;

constexpr std::uint32_t kGprBits = 0xffff;
constexpr std::uint32_t kVecBits = 0xffff0000;
constexpr std::uint8_t kNoReg = 0xff;

/// Slots are known by the vreg until they are coloured.
inline Location slot_of(std::uint32_t vreg) { return Location::slot(vreg); }

/// Where a spilled value is stored: one point that dominates all its evictions.
struct SpillPoint {
  std::uint32_t block = kNone;  ///< lowest common dominator of the evictions so far
  std::uint32_t edit =
      kNone;  ///< the store prepared before the first eviction in `block`; kNone: the block's end
};

/// A place where a value leaves its register and must be in its slot, if the store is not earlier.
struct Eviction {
  std::uint32_t block;
  std::uint32_t edit;  ///< the store prepared there; kNone: at the block's end
  std::uint32_t next;  ///< another one of the value, or kNone
};

class Allocator {
 public:
  Allocator(mir::Function& function, const Liveness& liveness, const Registers& registers, Arena& arena);

  /// Fills everything below.
  void run();
  /// `vreg` leaves its register at the end of `block` for good of an edge.
  void evict_at_end(std::uint32_t vreg, std::uint32_t block) {
    list_eviction(vreg, block, kNone);
    record_eviction(vreg, block, kNone);
  }

  const Liveness& live;
  ArenaVector<Edit> edits;  ///< in the order of the walk; slots by vreg; width 0: a store that is not needed
  ArenaVector<Location> locations;  ///< by operand; slots by vreg
  ArenaVector<bool> dead;           ///< by instruction
  std::span<RegState> entry, exit;  ///< by block
  std::span<std::uint8_t> def_reg;  ///< by vreg: register at its definition; kNoReg: none
  std::span<bool> slot_at_def;  ///< by vreg: parameter that arrives in its slot (with a def_reg also there)
  std::span<SpillPoint> spill;  ///< by vreg
  ArenaVector<std::uint32_t> spilled;  ///< vregs with a spill point
  ArenaVector<Eviction> evictions;
  std::span<std::uint32_t>
      first_eviction;  ///< by vreg: in `evictions`; on every way to a read from the slot lies one
  /// By vreg: frequency of its evictions; kTooOften: they are more than the definition, and not all are
  /// listed.
  std::span<std::uint64_t> eviction_cost;
  static constexpr std::uint64_t kTooOften = ~std::uint64_t{0};

  bool rematerializable(std::uint32_t v) const { return f_.vregs[v].rematerializable; }
  std::uint32_t allocatable() const { return allocatable_; }

 private:
  // allocator.cpp
  void visit_block(std::uint32_t block);
  void visit_inst(std::uint32_t index, std::uint32_t position);
  void visit_simple(std::uint32_t index, std::uint32_t position);
  void order_commutative(std::uint32_t index);
  void finish_move(std::uint32_t index);
  bool prefers_slot(std::uint32_t vreg, std::uint32_t next, std::uint32_t position) const;
  void evict(std::uint32_t reg, std::uint32_t before);
  void record_eviction(std::uint32_t vreg, std::uint32_t block, std::uint32_t edit);
  void list_eviction(std::uint32_t vreg, std::uint32_t block, std::uint32_t edit);
  /// A free register of `mask`, or the one whose value is needed last; `forbidden` ones are not considered.
  std::uint32_t take(std::uint32_t vreg, std::uint32_t mask, std::uint32_t forbidden, std::uint32_t before);
  std::uint32_t farthest(std::uint32_t mask) const;
  std::uint32_t choose(std::uint32_t vreg, std::uint32_t available) const;
  std::uint8_t hint(std::uint32_t vreg) const;
  void load(std::uint32_t vreg, std::uint32_t reg, std::uint32_t before);
  void bind(std::uint32_t vreg, std::uint32_t reg);
  void release(std::uint32_t reg);
  std::uint32_t class_mask(std::uint32_t v) const {
    return allocatable_ & (f_.vregs[v].reg_class == mir::RegClass::gpr ? kGprBits : kVecBits);
  }
  std::uint32_t width(std::uint32_t v) const { return f_.vregs[v].width; }
  std::uint32_t free() const { return allocatable_ & ~occupied_; }
  // constraints.cpp
  void visit_constrained(std::uint32_t index, std::uint32_t position);
  // entry.cpp
  void enter_block(std::uint32_t block);
  struct Candidate {
    std::uint32_t vreg, distance, reg;
    bool param;
  };
  void inherit(std::uint32_t block, std::uint32_t pred);
  void join(std::uint32_t block, std::uint32_t pred);
  void enter_loop(std::uint32_t block, std::uint32_t pred);
  bool roomy(std::uint32_t header, std::uint32_t v) const;
  void add_params(std::uint32_t block, std::uint32_t pred);
  void keep_nearest(std::uint32_t block);
  std::uint32_t hottest_pred(std::uint32_t block) const;

  mir::Function& f_;
  const std::uint32_t allocatable_;
  std::span<std::uint8_t> reg_of_;      ///< by vreg: current register
  std::span<std::uint32_t> next_use_;   ///< by vreg: from the block's start; meaningful while in a register
  std::span<std::uint32_t> stamp_;      ///< by vreg: the block whose live-in list was scanned last
  std::span<std::uint64_t> held_;       ///< by vreg: frequency of the predecessors that have it in a register
  std::span<std::uint32_t> use_index_;  ///< by vreg: position in the use list of visit_constrained
  RegState in_reg_;
  std::uint32_t occupied_ = 0;
  std::uint32_t block_ = 0;
  ArenaVector<Candidate> candidates_;
  MoveResolver moves_;
};

}  // namespace nebulet::wasm::regalloc
