// SPDX-License-Identifier: MIT
// The allocator's stages in order, the moves on edges, and the assembly of the result.
#include "wasm/regalloc/regalloc.h"

#include "base/assert.h"
#include "wasm/regalloc/allocator.h"
#include "wasm/regalloc/safepoints.h"
#include "wasm/regalloc/slots.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::BlockData;
using mir::Function;
using mir::RegClass;

Location in(std::uint32_t reg) { return Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)}); }

class Edges {
 public:
  Edges(const Function& function, Allocator& allocator, const Registers& registers, Arena& arena)
      : f_(function), a_(allocator), registers_(registers), arena_(arena), edits(arena), remats_(arena) {
    reg_of_ = arena.allocate_array<std::uint8_t>(function.vregs.size(), kNoReg);
    seen_ = arena.allocate_array<std::uint32_t>(function.vregs.size(), kNone);
  }

  /// What a successor does not expect in a register must be in its slot by then.
  void record_evictions() {
    for (const std::uint32_t b : a_.live.order) {
      const BlockData& block = f_.blocks[b];
      if (block.succ_count != 1) continue;
      const std::uint32_t s = f_.edges[block.succs].to.index;
      for (const std::uint32_t v : a_.entry[s])
        if (v != kNone) seen_[v] = b;
      for (const std::uint32_t v : a_.exit[b])
        if (v != kNone && seen_[v] != b && !a_.rematerializable(v) && !a_.slot_at_def[v] &&
            a_.live.is_live_in(v, s))
          a_.evict_at_end(v, b);
    }
  }

  void resolve(const Slots& slots, const Stores& stores) {
    slots_ = &slots;
    stores_ = &stores;
    const std::uint32_t emergency = (slots.bytes + 15) & ~15u;
    MoveResolver moves(arena_, registers_.vec_scratch, emergency + 16, emergency);
    for (const std::uint32_t b : a_.live.order)
      if (f_.blocks[b].succ_count == 1) resolve_edge(b, moves);
    spill_bytes = moves.used_emergency() ? emergency + 16 : slots.bytes;
  }

 private:
  struct Remat {
    std::uint32_t vreg;
    Location to;
    std::uint32_t width;
  };

  void resolve_edge(std::uint32_t b, MoveResolver& moves) {
    const BlockData& block = f_.blocks[b];
    const mir::EdgeData& edge = f_.edges[block.succs];
    const std::uint32_t s = edge.to.index;
    const BlockData& to = f_.blocks[s];
    if (to.pred_count == 1 && to.param_count == 0) return;
    const RegState &exit = a_.exit[b], &entry = a_.entry[s];
    for (std::uint32_t reg = 0; reg < 32; ++reg)
      if (exit[reg] != kNone) reg_of_[exit[reg]] = static_cast<std::uint8_t>(reg);
    remats_.clear();
    const auto params = f_.vregs_at(to.params, to.param_count);
    const auto args = f_.vregs_at(edge.args, edge.count);
    for (std::uint32_t p = 0; p < params.size(); ++p) {
      const std::uint32_t v = params[p].index;
      const std::uint32_t arg = args[p].index;
      if (a_.slot_at_def[v] && !holds_at_end(f_, a_, *stores_, *slots_, v, arg, b))
        copy(Location::slot(slots_->offset[v]), arg, f_.vregs[v].width, moves);
      if (a_.live.used[v] && a_.def_reg[v] != kNoReg) copy(in(a_.def_reg[v]), arg, f_.vregs[v].width, moves);
    }
    for (std::uint32_t reg = 0; reg < 32; ++reg) {
      const std::uint32_t v = entry[reg];
      if (v == kNone || (a_.live.defs[v].block == s && a_.live.defs[v].inst == kNone)) continue;
      copy(in(reg), v, f_.vregs[v].width, moves);
    }
    const std::uint32_t before = block.first + block.count - 1;
    moves.emit(before, edits);
    for (const Remat& remat : remats_) repeat(remat, before);
    for (std::uint32_t reg = 0; reg < 32; ++reg)
      if (exit[reg] != kNone) reg_of_[exit[reg]] = kNoReg;
  }

  void copy(Location to, std::uint32_t v, std::uint32_t width, MoveResolver& moves) {
    if (reg_of_[v] != kNoReg)
      moves.add(to, in(reg_of_[v]), width);
    else if (a_.rematerializable(v))
      remats_.push_back({v, to, width});
    else
      moves.add(to, stored(v), width);
  }

  Location stored(std::uint32_t v) const {
    NB_ASSERT(slots_->offset[v] != kNone);
    return Location::slot(slots_->offset[v]);
  }

  void repeat(const Remat& remat, std::uint32_t before) {
    edits.push_back(
        {before, remat.width, remat.to, remat.to, Edit::Kind::remat, a_.live.defs[remat.vreg].inst});
  }

  const Function& f_;
  Allocator& a_;
  const Registers& registers_;
  Arena& arena_;
  const Slots* slots_ = nullptr;
  const Stores* stores_ = nullptr;

 public:
  ArenaVector<Edit> edits;
  std::uint32_t spill_bytes = 0;

 private:
  ArenaVector<Remat> remats_;
  std::span<std::uint8_t> reg_of_;
  std::span<std::uint32_t> seen_;
};

/// Sorts the streams of edits by position; at one position they keep the order of the streams.
void merge(std::span<const ArenaVector<Edit>* const> streams, std::uint32_t insts, Arena& arena,
           ArenaVector<Edit>& out) {
  auto at = arena.allocate_array<std::uint32_t>(insts + 2, 0);
  for (const ArenaVector<Edit>* stream : streams)
    for (const Edit& edit : *stream)
      if (edit.width != 0) ++at[edit.before + 1];
  for (std::uint32_t i = 0; i <= insts; ++i) at[i + 1] += at[i];
  out.resize(at[insts + 1], Edit{});
  for (const ArenaVector<Edit>* stream : streams)
    for (const Edit& edit : *stream)
      if (edit.width != 0) out[at[edit.before]++] = edit;
}

}  // namespace

Result allocate(Function& function, const Registers& registers, Arena& arena, Mode mode) {
  const Liveness live = compute_liveness(function, arena, mode);
  Allocator allocator(function, live, registers, arena);
  allocator.run();
  if (live.mode == Mode::block_local) {
    for (std::uint32_t v = 0; v < function.vregs.size(); ++v) {
      if (!live.crosses[v] || live.defs[v].inst == kNone || allocator.rematerializable(v)) continue;
      if (allocator.spill[v].block == kNone) allocator.spilled.push_back(v);
      allocator.spill[v] = {live.defs[v].block, kNone};
    }
  }
  Edges edges(function, allocator, registers, arena);
  if (live.mode == Mode::global) edges.record_evictions();
  Stores stores = place_stores(function, allocator, arena);
  const Slots slots = color_slots(function, allocator, arena);
  if (live.mode == Mode::global) store_on_edges(function, allocator, slots, stores);
  edges.resolve(slots, stores);

  auto patch = [&](Location& location) {
    if (location.is_reg()) return;
    NB_ASSERT(slots.offset[location.slot_offset()] != kNone);
    location = Location::slot(slots.offset[location.slot_offset()]);
  };
  Result result(arena);
  result.operands = allocator.locations;
  for (Location& location : result.operands) patch(location);
  result.dead = allocator.dead;
  for (ArenaVector<Edit>* stream : {&stores.at_defs, &allocator.edits, &stores.at_ends})
    for (Edit& edit : *stream) {
      if (edit.width == 0) continue;
      patch(edit.from);
      patch(edit.to);
    }
  const ArenaVector<Edit>* const streams[] = {&stores.at_defs, &allocator.edits, &stores.at_ends,
                                              &edges.edits};
  merge(streams, function.insts.size(), arena, result.edits);
  result.entry_gprs.reserve(function.blocks.size() * 16);
  for (const RegState& entry : allocator.entry)
    for (std::uint32_t reg = 0; reg < 16; ++reg) result.entry_gprs.push_back(mir::VReg(entry[reg]));
  result.spill_bytes = edges.spill_bytes;
  find_safepoints(function, live, slots, arena, result);
  return result;
}

}  // namespace nebulet::wasm::regalloc
