// SPDX-License-Identifier: MIT
#include "wasm/regalloc/safepoints.h"

#include <algorithm>

#include "base/assert.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::Operand;
using mir::Role;

bool is_use(const Operand& operand) { return operand.role == Role::use || operand.role == Role::late_use; }

/// Walks the blocks from the last to the first and each of them backwards, with the set of references that
/// are live.
class Finder {
 public:
  Finder(const mir::Function& function, const Liveness& live, const Slots& slots, Arena& arena,
         Result& result)
      : f_(function),
        live_(live),
        slots_(slots),
        r_(result),
        live_vregs_(arena),
        occupied_(arena),
        changed_(arena) {
    at_ = arena.allocate_array<std::uint32_t>(f_.vregs.size(), kNone);
    state_ = arena.allocate_array<SlotState>(slots.bytes / 8 + 1, SlotState{});
  }

  void run() {
    r_.map_of.resize(f_.insts.size(), kNoStackMap);
    if (live_.mode == Mode::block_local) return everything();
    for (std::uint32_t b = f_.blocks.size(); b-- > 0;) {
      const mir::BlockData& block = f_.blocks[b];
      const auto insts = f_.insts.slice(block.first, block.count);
      if (std::none_of(insts.begin(), insts.end(), [](const auto& i) { return i.flags & mir::kCall; }))
        continue;
      set_live_out(block);
      for (std::uint32_t i = block.first + block.count; i-- > block.first;) visit(i);
    }
  }

 private:
  struct SlotState {
    std::uint32_t values = 0;     ///< live ones in it
    std::uint32_t place = kNone;  ///< in occupied_
    bool in_map = false;          ///< of the last map that was made
    bool changed = false;         ///< it stands in changed_
  };

  bool has_slot(std::uint32_t v) const { return f_.vregs[v].traced && slots_.offset[v] != kNone; }

  void set_live_out(const mir::BlockData& block) {
    while (!live_vregs_.empty()) remove(live_vregs_.back());
    for (const mir::EdgeData& edge : f_.edges.slice(block.succs, block.succ_count)) {
      for (const LiveIn& value : live_.live_in_of(edge.to.index)) add(value.vreg);
      const auto params = f_.vregs_at(f_.blocks[edge.to.index].params, edge.count);
      const auto args = f_.vregs_at(edge.args, edge.count);
      for (std::uint32_t p = 0; p < edge.count; ++p)
        if (live_.used[params[p].index]) add(args[p].index);
    }
  }

  void visit(std::uint32_t index) {
    const mir::Inst& inst = f_.insts[index];
    for (const Operand& operand : f_.operands_of(inst))
      if (!is_use(operand)) remove(operand.vreg.index);
    if (inst.flags & mir::kCall) r_.map_of[index] = map();
    for (const Operand& operand : f_.operands_of(inst))
      if (is_use(operand)) add(operand.vreg.index);
  }

  void add(std::uint32_t v) {
    if (!has_slot(v) || at_[v] != kNone) return;
    at_[v] = live_vregs_.size();
    live_vregs_.push_back(v);
    const std::uint32_t slot = slots_.offset[v] / 8;
    if (state_[slot].values++ != 0) return;
    state_[slot].place = occupied_.size();
    occupied_.push_back(slot);
    note(slot);
  }
  void remove(std::uint32_t v) {
    if (at_[v] == kNone) return;
    live_vregs_[at_[v]] = live_vregs_.back();
    at_[live_vregs_.back()] = at_[v];
    live_vregs_.pop_back();
    at_[v] = kNone;
    SlotState& state = state_[slots_.offset[v] / 8];
    if (--state.values != 0) return;
    occupied_[state.place] = occupied_.back();
    state_[occupied_.back()].place = state.place;
    occupied_.pop_back();
    note(slots_.offset[v] / 8);
  }
  void note(std::uint32_t slot) {
    if (state_[slot].changed) return;
    state_[slot].changed = true;
    changed_.push_back(slot);
  }

  /// The map of what is live: the last one, or a new one.
  std::uint32_t map() {
    std::uint32_t different = 0;
    for (const std::uint32_t slot : changed_) {
      state_[slot].changed = false;
      if ((state_[slot].values != 0) != state_[slot].in_map) changed_[different++] = slot;
    }
    while (changed_.size() > different) changed_.pop_back();
    if (occupied_.empty()) {
      forget();
      return kNoStackMap;
    }
    if (different == 0) return r_.maps.size() - 1;
    for (const std::uint32_t slot : changed_) state_[slot].in_map = state_[slot].values != 0;
    since_full_ += different;
    const bool full = r_.maps.empty() || since_full_ > stack_map_chain(occupied_.size());
    r_.maps.push_back({r_.map_slots.size(), full});
    for (const std::uint32_t slot : full ? occupied_.span() : changed_.span())
      r_.map_slots.push_back(slot * 8);
    if (full) since_full_ = 0;
    changed_.clear();
    return r_.maps.size() - 1;
  }
  /// Nothing is live, and no map says so: the next one differs from the last by what stands in that.
  void forget() {
    for (const std::uint32_t slot : changed_) state_[slot].changed = true;
  }

  void everything() {
    r_.exact_maps = false;
    bool any = false;
    for (std::uint32_t v = 0; v < f_.vregs.size(); ++v) {
      if (!has_slot(v) || state_[slots_.offset[v] / 8].in_map) continue;
      state_[slots_.offset[v] / 8].in_map = true;
      if (!any) r_.maps.push_back({r_.map_slots.size(), true});
      any = true;
      r_.map_slots.push_back(slots_.offset[v]);
    }
    for (std::uint32_t i = 0; any && i < f_.insts.size(); ++i)
      if (f_.insts[i].flags & mir::kCall) r_.map_of[i] = 0;
  }

  const mir::Function& f_;
  const Liveness& live_;
  const Slots& slots_;
  Result& r_;
  std::span<std::uint32_t> at_;  ///< by vreg: its place in live_vregs_
  std::span<SlotState> state_;   ///< by slot
  ArenaVector<std::uint32_t> live_vregs_, occupied_, changed_;
  std::uint32_t since_full_ = 0;
};

}  // namespace

void find_safepoints(const mir::Function& function, const Liveness& live, const Slots& slots, Arena& arena,
                     Result& result) {
  const auto vregs = function.vregs.span();
  if (std::none_of(vregs.begin(), vregs.end(), [](const mir::VRegInfo& v) { return v.traced; })) return;
  Finder(function, live, slots, arena, result).run();
}

}  // namespace nebulet::wasm::regalloc
