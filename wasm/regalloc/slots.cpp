// SPDX-License-Identifier: MIT
#include "wasm/regalloc/slots.h"

#include <algorithm>

#include "base/assert.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::BlockData;
using mir::Function;

std::uint32_t cost(const BlockData& block) { return block.cold ? 0 : 1 + block.loop_depth; }

Location reg(std::uint32_t number) { return Location::reg(mir::PReg{static_cast<std::uint8_t>(number)}); }

/// Live ranges as intervals over the visiting order. A block has a position for its start, one for each
/// instruction, one for its end.
class Intervals {
 public:
  Intervals(const Function& function, const Allocator& allocator, Arena& arena)
      : f_(function), live_(allocator.live), slotted_(arena) {
    const std::uint32_t vregs = function.vregs.size();
    start_ = arena.allocate_array<std::uint32_t>(vregs, kNone);
    end_ = arena.allocate_array<std::uint32_t>(vregs, 0);
    at_ = arena.allocate_array<std::uint32_t>(function.blocks.size(), 0);
    std::uint32_t position = 0;
    for (const std::uint32_t b : live_.order) {
      at_[b] = position;
      position += function.blocks[b].count + 2;
    }
    for (const std::uint32_t v : allocator.spilled) add(v);
    for (std::uint32_t v = 0; v < vregs; ++v)
      if (allocator.slot_at_def[v]) add(v);
    if (slotted_.empty()) return;
    for (const std::uint32_t b : live_.order) measure(b);
    if (live_.mode == Mode::block_local)
      for (const std::uint32_t v : slotted_)
        if (live_.crosses[v] || live_.defs[v].inst == kNone) start_[v] = 0, end_[v] = position;
    std::sort(slotted_.begin(), slotted_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return start_[a] != start_[b] ? start_[a] < start_[b] : a < b;
    });
  }

  const ArenaVector<std::uint32_t>& by_start() const { return slotted_; }
  std::uint32_t start(std::uint32_t v) const { return start_[v]; }
  std::uint32_t end(std::uint32_t v) const { return end_[v]; }

 private:
  void add(std::uint32_t v) {
    if (start_[v] != kNone) return;
    const DefSite& def = live_.defs[v];
    start_[v] =
        def.inst == kNone ? at_[def.block] : at_[def.block] + 1 + def.inst - f_.blocks[def.block].first;
    end_[v] = start_[v];
    slotted_.push_back(v);
  }
  void extend(std::uint32_t v, std::uint32_t position) {
    if (start_[v] != kNone && end_[v] < position) end_[v] = position;
  }
  void measure(std::uint32_t b) {
    const BlockData& block = f_.blocks[b];
    for (const LiveIn& value : live_.live_in_of(b)) extend(value.vreg, at_[b]);
    for (std::uint32_t i = 0; i < block.count; ++i)
      for (const mir::Operand& operand : f_.operands_of(f_.insts[block.first + i]))
        extend(operand.vreg.index, at_[b] + 1 + i);
    const std::uint32_t end = at_[b] + 1 + block.count;
    for (const mir::EdgeData& edge : f_.edges.slice(block.succs, block.succ_count)) {
      for (const mir::VReg v : f_.vregs_at(edge.args, edge.count)) extend(v.index, end);
      for (const LiveIn& value : live_.live_in_of(edge.to.index)) extend(value.vreg, end);
    }
  }

  const Function& f_;
  const Liveness& live_;
  ArenaVector<std::uint32_t> slotted_;
  std::span<std::uint32_t> start_, end_, at_;
};

/// Linear scan over slots of one size.
class SlotPool {
 public:
  explicit SlotPool(Arena& arena) : active_(arena), free_(arena) {}

  std::uint32_t take(std::uint32_t start, std::uint32_t end) {
    while (!active_.empty() && active_[0].end < start) {
      free_.push_back(active_[0].slot);
      std::pop_heap(active_.begin(), active_.end());
      active_.pop_back();
    }
    std::uint32_t slot = count_;
    if (free_.empty())
      ++count_;
    else
      slot = free_.back(), free_.pop_back();
    active_.push_back({end, slot});
    std::push_heap(active_.begin(), active_.end());
    return slot;
  }
  std::uint32_t count() const { return count_; }

 private:
  struct Active {
    std::uint32_t end, slot;
    bool operator<(const Active& other) const { return end > other.end; }
  };
  ArenaVector<Active> active_;
  ArenaVector<std::uint32_t> free_;
  std::uint32_t count_ = 0;
};

}  // namespace

Stores place_stores(const Function& function, Allocator& allocator, Arena& arena) {
  Stores stores{ArenaVector<Edit>(arena), ArenaVector<Edit>(arena)};
  const Liveness& live = allocator.live;
  for (const std::uint32_t v : allocator.spilled) {
    const SpillPoint& point = allocator.spill[v];
    const DefSite& def = live.defs[v];
    const std::uint32_t width = function.vregs[v].width;
    std::uint32_t best = point.block;
    for (std::uint32_t b = point.block; b != def.block;) {
      b = function.blocks[b].idom.index;
      if (cost(function.blocks[b]) < cost(function.blocks[best])) best = b;
    }
    if (best == point.block && point.edit != kNone) {
      allocator.edits[point.edit].width = width;
      continue;
    }
    if (best != def.block) {
      const RegState& exit = allocator.exit[best];
      const auto held = std::find(exit.begin(), exit.end(), v);
      NB_ASSERT(held != exit.end());  // nothing that dominates all evictions comes behind one
      const BlockData& block = function.blocks[best];
      stores.at_ends.push_back({block.first + block.count - 1, width,
                                reg(static_cast<std::uint32_t>(held - exit.begin())), slot_of(v)});
      continue;
    }
    const std::uint32_t before = def.inst == kNone ? function.blocks[def.block].first : def.inst + 1;
    stores.at_defs.push_back({before, width, reg(allocator.def_reg[v]), slot_of(v)});
  }
  return stores;
}

Slots color_slots(const Function& function, const Allocator& allocator, Arena& arena) {
  Slots slots;
  slots.offset = arena.allocate_array<std::uint32_t>(function.vregs.size(), kNone);
  const Intervals intervals(function, allocator, arena);
  SlotPool wide(arena), narrow(arena);
  for (const std::uint32_t v : intervals.by_start())
    slots.offset[v] =
        (function.vregs[v].width == 16 ? wide : narrow).take(intervals.start(v), intervals.end(v));
  for (const std::uint32_t v : intervals.by_start())
    slots.offset[v] =
        function.vregs[v].width == 16 ? slots.offset[v] * 16 : wide.count() * 16 + slots.offset[v] * 8;
  slots.bytes = wide.count() * 16 + narrow.count() * 8;
  return slots;
}

}  // namespace nebulet::wasm::regalloc
