// SPDX-License-Identifier: MIT
// Webs are joined pairwise, the most frequent edges first. Two webs without interference inside interfere
// only if in the merged preorder of the dominator tree some definition lies in the live range of its nearest
// dominating one, so one test for each member is enough (Boissinot et al., Revisiting Out-of-SSA Translation,
// CGO 2009).
#include "wasm/regalloc/webs.h"

#include <algorithm>

namespace nebulet::wasm::regalloc {
namespace {

using mir::BlockData;
using mir::Function;
using mir::Operand;
using mir::Role;

// Positions within a block: 0 for its parameters; an instruction reads at 2i+2, and writes behind that.
constexpr std::uint32_t kLiveOut = 0xffffffff;
std::uint32_t read_at(std::uint32_t i) { return 2 * i + 2; }
std::uint32_t write_at(std::uint32_t i) { return 2 * i + 3; }

}  // namespace

Webs::Webs(const Function& function, const Allocator& allocator, Arena& arena)
    : f_(function),
      a_(allocator),
      live_(allocator.live),
      members_(arena),
      uses_(arena),
      stack_(arena),
      webs_(arena),
      fuel_(std::uint64_t{16} * function.insts.size() + kLiveInBudget) {
  rank_members(arena);
  if (members_.empty()) return;
  find_uses();
  if (live_.mode == Mode::global) {
    sort_uses(arena);
    join_pairs(arena);
  }
  collect();
}

void Webs::rank_members(Arena& arena) {
  at_ = arena.allocate_array<std::uint32_t>(f_.blocks.size(), 0);
  std::uint32_t position = 0;
  for (const std::uint32_t b : live_.order) {
    at_[b] = position;
    position += 2 * f_.blocks[b].count + 4;
  }
  auto add = [&](std::uint32_t v) {
    const DefSite& def = live_.defs[v];
    Member member;
    member.vreg = v;
    member.position = def.inst == kNone ? 0 : write_at(def.inst - f_.blocks[def.block].first);
    member.start = member.end = at_[def.block] + member.position;
    if (live_.mode == Mode::block_local && (live_.crosses[v] || def.inst == kNone))
      member.start = 0, member.end = position;
    members_.push_back(member);
  };
  for (const std::uint32_t v : a_.spilled) add(v);
  for (std::uint32_t v = 0; v < f_.vregs.size(); ++v)
    if (a_.slot_at_def[v] && a_.spill[v].block == kNone) add(v);
  std::sort(members_.begin(), members_.end(), [&](const Member& a, const Member& b) {
    const std::uint32_t x = live_.dom_enter[live_.defs[a.vreg].block],
                        y = live_.dom_enter[live_.defs[b.vreg].block];
    if (x != y) return x < y;
    return a.position != b.position ? a.position < b.position : a.vreg < b.vreg;
  });
  member_of_ = arena.allocate_array<std::uint32_t>(f_.vregs.size(), kNone);
  for (std::uint32_t m = 0; m < members_.size(); ++m) {
    member_of_[members_[m].vreg] = m;
    members_[m].leader = m;
    members_[m].next = kNone;
  }
}

void Webs::note_use(std::uint32_t vreg, std::uint32_t order, std::uint32_t position) {
  const std::uint32_t m = member_of_[vreg];
  if (m == kNone) return;
  Member& member = members_[m];
  if (member.last != kNone && uses_[member.last].order == order) {
    uses_[member.last].position = std::max(uses_[member.last].position, position);
    return;
  }
  member.last = uses_.size();
  ++member.use_count;
  uses_.push_back({m, order, position});
}

void Webs::find_uses() {
  for (std::uint32_t order = 0; order < live_.order.size(); ++order) {
    const std::uint32_t b = live_.order[order];
    const BlockData& block = f_.blocks[b];
    for (std::uint32_t i = 0; i < block.count; ++i)
      for (const Operand& operand : f_.operands_of(f_.insts[block.first + i])) {
        if (operand.role == Role::use)
          note_use(operand.vreg.index, order, read_at(i));
        else if (operand.role == Role::late_use)
          note_use(operand.vreg.index, order, read_at(i + 1));
      }
    for (const mir::EdgeData& edge : f_.edges.slice(block.succs, block.succ_count)) {
      const BlockData& to = f_.blocks[edge.to.index];
      for (std::uint32_t i = 0; i < edge.count; ++i)
        if (live_.used[f_.pool[to.params + i]]) note_use(f_.pool[edge.args + i], order, read_at(block.count));
      for (const LiveIn& value : live_.live_in_of(edge.to.index)) note_use(value.vreg, order, kLiveOut);
    }
  }
  for (const LastUse& use : uses_) {
    const std::uint32_t b = live_.order[use.order];
    const std::uint32_t last = at_[b] + std::min(use.position, 2 * f_.blocks[b].count + 3);
    members_[use.member].end = std::max(members_[use.member].end, last);
  }
}

void Webs::sort_uses(Arena& arena) {
  std::uint32_t first = 0;
  for (Member& member : members_) {
    member.first_use = first;
    first += member.use_count;
    member.use_count = 0;
  }
  by_member_ = arena.allocate_array<LastUse>(uses_.size());
  for (const LastUse& use : uses_) {
    Member& member = members_[use.member];
    by_member_[member.first_use + member.use_count++] = use;
  }
}

bool Webs::live_behind(std::uint32_t member, std::uint32_t definition) const {
  const Member &m = members_[member], &d = members_[definition];
  const std::uint32_t order = live_.order_index[live_.defs[d.vreg].block];
  const auto uses = by_member_.subspan(m.first_use, m.use_count);
  const auto use = std::lower_bound(uses.begin(), uses.end(), order,
                                    [](const LastUse& u, std::uint32_t o) { return u.order < o; });
  return use != uses.end() && use->order == order && use->position > d.position;
}

bool Webs::dominates(std::uint32_t a, std::uint32_t b) const {
  const std::uint32_t x = live_.defs[members_[a].vreg].block, y = live_.defs[members_[b].vreg].block;
  return x == y ? members_[a].position <= members_[b].position : live_.dominates(x, y);
}

std::uint32_t Webs::leader(std::uint32_t member) {
  while (members_[member].leader != member) {
    members_[member].leader = members_[members_[member].leader].leader;
    member = members_[member].leader;
  }
  return member;
}

/// `a` and `b` are leaders, which are the first members of their webs.
bool Webs::interfere(std::uint32_t a, std::uint32_t b) {
  stack_.clear();
  std::uint32_t at[2] = {a, b};
  while (at[0] != kNone || at[1] != kNone) {
    const std::uint32_t side = at[0] < at[1] ? 0 : 1;
    const std::uint32_t m = at[side];
    at[side] = members_[m].next;
    members_[m].side = side;
    if (fuel_ == 0) return true;
    --fuel_;
    while (!stack_.empty() && !dominates(stack_.back(), m)) stack_.pop_back();
    if (!stack_.empty() && members_[stack_.back()].side != side && live_behind(stack_.back(), m)) return true;
    stack_.push_back(m);
  }
  return false;
}

void Webs::unite(std::uint32_t a, std::uint32_t b) {
  if (b < a) std::swap(a, b);
  members_[b].leader = a;
  std::uint32_t tail = a;
  std::uint32_t at[2] = {members_[a].next, b};
  while (at[0] != kNone || at[1] != kNone) {
    const std::uint32_t side = at[0] < at[1] ? 0 : 1;
    members_[tail].next = at[side];
    tail = at[side];
    at[side] = members_[tail].next;
  }
  members_[tail].next = kNone;
}

void Webs::join_pairs(Arena& arena) {
  ArenaVector<Pair> pairs(arena);
  for (const std::uint32_t b : live_.order) {
    const BlockData& block = f_.blocks[b];
    if (block.succ_count != 1) continue;
    const mir::EdgeData& edge = f_.edges[block.succs];
    for (std::uint32_t i = 0; i < edge.count; ++i) {
      const std::uint32_t param = f_.pool[f_.blocks[edge.to.index].params + i];
      const std::uint32_t arg = f_.pool[edge.args + i];
      const std::uint32_t p = member_of_[param], a = member_of_[arg];
      if (p == kNone || a == kNone || p == a) continue;
      const std::uint8_t wide = f_.vregs[param].width, narrow = f_.vregs[arg].width;
      if (wide > narrow || (wide == 16) != (narrow == 16)) continue;
      pairs.push_back({p, a, live_.frequency[b]});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    if (a.weight != b.weight) return a.weight > b.weight;
    return a.param != b.param ? a.param < b.param : a.arg < b.arg;
  });
  for (const Pair& pair : pairs) {
    const std::uint32_t a = leader(pair.param), b = leader(pair.arg);
    if (a != b && !interfere(a, b)) unite(a, b);
  }
}

void Webs::collect() {
  for (std::uint32_t m = 0; m < members_.size(); ++m) {
    if (members_[m].leader != m) continue;
    Web web{members_[m].start, members_[m].end, m, f_.vregs[members_[m].vreg].width == 16};
    for (std::uint32_t other = members_[m].next; other != kNone; other = members_[other].next) {
      web.start = std::min(web.start, members_[other].start);
      web.end = std::max(web.end, members_[other].end);
    }
    webs_.push_back(web);
  }
  std::sort(webs_.begin(), webs_.end(), [](const Web& a, const Web& b) {
    return a.start != b.start ? a.start < b.start : a.first < b.first;
  });
}

}  // namespace nebulet::wasm::regalloc
