// SPDX-License-Identifier: MIT
#include "wasm/regalloc/slots.h"

#include <algorithm>

#include "base/assert.h"
#include "wasm/regalloc/webs.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::BlockData;
using mir::Function;

Location reg(std::uint32_t number) { return Location::reg(mir::PReg{static_cast<std::uint8_t>(number)}); }

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

/// Adds a store at the end of a block in which the value stays in its register; returns its place.
std::uint32_t store_at_end(const Function& function, const Allocator& allocator, std::uint32_t v,
                           std::uint32_t block, Stores& stores) {
  const RegState& exit = allocator.exit[block];
  const auto held = std::find(exit.begin(), exit.end(), v);
  NB_ASSERT(held != exit.end());  // nothing that dominates all evictions comes behind one
  const BlockData& data = function.blocks[block];
  stores.at_ends.push_back({data.first + data.count - 1, function.vregs[v].width,
                            reg(static_cast<std::uint32_t>(held - exit.begin())), slot_of(v)});
  return stores.at_ends.size() - 1;
}

void store_at_evictions(const Function& function, Allocator& allocator, std::uint32_t v, Stores& stores) {
  stores.place[v].at_evictions = true;
  for (std::uint32_t e = allocator.first_eviction[v]; e != kNone; e = allocator.evictions[e].next) {
    const Eviction& eviction = allocator.evictions[e];
    if (eviction.edit != kNone)
      allocator.edits[eviction.edit].width = function.vregs[v].width;
    else
      store_at_end(function, allocator, v, eviction.block, stores);
  }
}

/// Takes back what place_stores has done for a value.
void drop_stores(Allocator& allocator, std::uint32_t v, const Stores::Place& place, Stores& stores) {
  if (place.at_def != kNone)
    stores.at_defs[place.at_def].width = 0;
  else if (place.at_end != kNone)
    stores.at_ends[place.at_end].width = 0;
  else
    allocator.edits[allocator.spill[v].edit].width = 0;
}

}  // namespace

Stores place_stores(const Function& function, Allocator& allocator, Arena& arena) {
  Stores stores{ArenaVector<Edit>(arena), ArenaVector<Edit>(arena),
                arena.allocate_array<Stores::Place>(function.vregs.size(), Stores::Place{})};
  const Liveness& live = allocator.live;
  for (std::uint32_t v = 0; v < function.vregs.size(); ++v)
    if (allocator.slot_at_def[v]) stores.place[v].block = live.defs[v].block;
  for (const std::uint32_t v : allocator.spilled) {
    const SpillPoint& point = allocator.spill[v];
    const DefSite& def = live.defs[v];
    const std::uint32_t width = function.vregs[v].width;
    std::uint32_t best = point.block;
    for (std::uint32_t b = point.block; b != def.block;) {
      b = function.blocks[b].idom.index;
      if (live.frequency[b] + live.frequency[b] / 8 < live.frequency[best]) best = b;  // beyond rounding
    }
    const std::uint64_t scattered = allocator.eviction_cost[v];
    if (live.mode == Mode::global && scattered != Allocator::kTooOften &&
        scattered + scattered / 8 < live.frequency[best]) {
      store_at_evictions(function, allocator, v, stores);
      continue;
    }
    stores.place[v].block = best;
    if (best == point.block && point.edit != kNone) {
      allocator.edits[point.edit].width = width;
      continue;
    }
    if (best != def.block) {
      stores.place[v].at_end = store_at_end(function, allocator, v, best, stores);
      continue;
    }
    const std::uint32_t before = def.inst == kNone ? function.blocks[def.block].first : def.inst + 1;
    stores.place[v].at_def = stores.at_defs.size();
    stores.at_defs.push_back({before, width, reg(allocator.def_reg[v]), slot_of(v)});
  }
  return stores;
}

Slots color_slots(const Function& function, const Allocator& allocator, Arena& arena) {
  Slots slots;
  slots.offset = arena.allocate_array<std::uint32_t>(function.vregs.size(), kNone);
  const Webs webs(function, allocator, arena);
  SlotPool wide(arena), narrow(arena);
  auto color = arena.allocate_array<std::uint32_t>(webs.by_start().size());
  for (std::size_t w = 0; w < color.size(); ++w) {
    const Webs::Web& web = webs.by_start()[w];
    color[w] = (web.wide ? wide : narrow).take(web.start, web.end);
  }
  for (std::size_t w = 0; w < color.size(); ++w) {
    const Webs::Web& web = webs.by_start()[w];
    const std::uint32_t offset = web.wide ? color[w] * 16 : wide.count() * 16 + color[w] * 8;
    for (std::uint32_t m = web.first; m != kNone; m = webs.next(m)) slots.offset[webs.vreg(m)] = offset;
  }
  slots.bytes = wide.count() * 16 + narrow.count() * 8;
  return slots;
}

bool holds_at_end(const Function& function, const Allocator& allocator, const Stores& stores,
                  const Slots& slots, std::uint32_t param, std::uint32_t arg, std::uint32_t block) {
  const std::uint32_t stored = stores.place[arg].block;
  return stored != kNone && slots.offset[arg] == slots.offset[param] &&
         function.vregs[arg].width >= function.vregs[param].width && allocator.live.dominates(stored, block);
}

void store_on_edges(const Function& function, Allocator& allocator, const Slots& slots, Stores& stores) {
  for (const std::uint32_t v : allocator.spilled) {
    const DefSite& def = allocator.live.defs[v];
    if (def.inst != kNone || allocator.def_reg[v] == kNoReg) continue;
    const Stores::Place place = stores.place[v];
    if (place.at_evictions) continue;  // cheaper than all edges, or nearly
    const std::uint64_t now = allocator.live.frequency[place.block];
    const BlockData& block = function.blocks[def.block];
    stores.place[v].block = def.block;  // for the edges that pass the parameter itself
    std::uint64_t then = 0;
    for (const std::uint32_t pred : function.pool.slice(block.preds, block.pred_count)) {
      const std::uint32_t arg = function.pool[function.edges[function.blocks[pred].succs].args + def.operand];
      if (holds_at_end(function, allocator, stores, slots, v, arg, pred)) continue;
      const RegState& exit = allocator.exit[pred];
      const bool held =
          allocator.rematerializable(arg) || std::find(exit.begin(), exit.end(), arg) != exit.end();
      then += (held ? 1 : 2) * allocator.live.frequency[pred];
      if (then >= now) break;
    }
    if (then >= now) {
      stores.place[v] = place;
      continue;
    }
    allocator.slot_at_def[v] = true;
    drop_stores(allocator, v, place, stores);
  }
}

}  // namespace nebulet::wasm::regalloc
