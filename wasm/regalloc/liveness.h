// SPDX-License-Identifier: MIT
// What is live where, and how far away its next use is: the input of the spiller's choices.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/regalloc/mir.h"
#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc {

/// Distances are counted in instructions; where control splits, they are the harmonic mean weighted by the
/// successors' likelihood, so a use that is unlikely is far. What lies behind a call, on a cold path or
/// behind a loop's exit is farther than anything that does not, so one number orders values by how much they
/// need a register.
constexpr std::uint32_t kBehindCall = 1u << 16;
constexpr std::uint32_t kBehindCold = 1u << 20;
constexpr std::uint32_t kBehindLoop = 1u << 24;
constexpr std::uint32_t kFarthest = 1u << 30;
constexpr std::uint32_t kDead = 0xffffffff;
constexpr std::uint32_t kNone = 0xffffffff;

struct LiveIn {
  std::uint32_t vreg;
  std::uint32_t distance;
};

struct DefSite {
  std::uint32_t block = kNone;
  std::uint32_t inst = kNone;     ///< kNone: a block parameter
  std::uint32_t operand = kNone;  ///< of a parameter: its index
};

struct Pressure {
  std::uint32_t gpr = 0, vec = 0;
  bool call = false;
};

/// Requires: preds, idom and loop fields of the blocks.
struct Liveness {
  std::span<std::uint32_t> order;        ///< blocks in reverse postorder
  std::span<std::uint32_t> order_index;  ///< by block
  std::span<std::uint32_t> dom_enter;    ///< by block: preorder number in the dominator tree
  std::span<std::uint32_t> dom_leave;
  std::span<std::uint64_t> frequency;    ///< by block: an estimate; 0 for cold blocks
  std::span<std::uint32_t> parent_loop;  ///< by loop header: header of the surrounding loop
  std::span<Pressure> loop_pressure;     ///< by loop header: over its hot blocks
  std::span<DefSite> defs;               ///< by vreg
  std::span<bool> used;                  ///< by vreg: has a use (parameters without one get no location)
  std::span<bool> crosses;               ///< by vreg: used outside of the block that defines it
  std::span<std::uint32_t> live_begin;   ///< by block, and one more
  std::span<LiveIn> live_in;             ///< sorted by vreg in each block
  std::span<std::uint32_t>
      next_after;  ///< by operand: distance from the block's start of the next use behind it
  std::span<std::uint32_t>
      param_distance;                  ///< by vreg, parameters only: of the first use, from the block's start
  std::span<std::uint8_t> fixed_hint;  ///< by vreg: register that its nearest constrained use wants
  std::span<std::uint32_t> affinity;   ///< by vreg: the value that takes over its register, by preference
  Mode mode = Mode::global;

  std::span<LiveIn> live_in_of(std::uint32_t block) const {
    return live_in.subspan(live_begin[block], live_begin[block + 1] - live_begin[block]);
  }
  bool dominates(std::uint32_t a, std::uint32_t b) const {
    return dom_enter[a] <= dom_enter[b] && dom_leave[b] <= dom_leave[a];
  }
  bool is_live_in(std::uint32_t vreg, std::uint32_t block) const;
};

Liveness compute_liveness(const mir::Function& function, Arena& arena, Mode mode);

}  // namespace nebulet::wasm::regalloc
