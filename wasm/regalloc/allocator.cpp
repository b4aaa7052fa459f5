// SPDX-License-Identifier: MIT
#include "wasm/regalloc/allocator.h"

#include <utility>

#include "base/assert.h"

namespace nebulet::wasm::regalloc {

using mir::Constraint;
using mir::Inst;
using mir::Operand;
using mir::Role;

namespace {

/// A value that is read from its slot now and again this many instructions later is not loaded for the first
/// read.
constexpr std::uint32_t kNear = 24;

/// Registers without fixed roles in common instructions first.
constexpr std::uint8_t kPreference[32] = {6,  7,  3,  5,  1,  2,  0,  8,  9,  10, 11, 14, 12, 13, 15, 4,
                                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

bool is_use(const Operand& operand) { return operand.role == Role::use || operand.role == Role::late_use; }
constexpr std::uint32_t bit(std::uint32_t reg) { return 1u << reg; }

}  // namespace

Allocator::Allocator(mir::Function& function, const Liveness& liveness, const Registers& registers,
                     Arena& arena)
    : live(liveness),
      edits(arena),
      locations(arena),
      dead(arena),
      spilled(arena),
      evictions(arena),
      f_(function),
      allocatable_(registers.allocatable.bits),
      candidates_(arena),
      moves_(arena, registers.vec_scratch, 0, 0) {
  const std::uint32_t blocks = function.blocks.size(), vregs = function.vregs.size();
  locations.resize(function.operands.size());
  dead.resize(function.insts.size(), false);
  RegState empty;
  empty.fill(kNone);
  in_reg_ = empty;
  entry = arena.allocate_array<RegState>(blocks, empty);
  exit = arena.allocate_array<RegState>(blocks, empty);
  def_reg = arena.allocate_array<std::uint8_t>(vregs, kNoReg);
  slot_at_def = arena.allocate_array<bool>(vregs, false);
  spill = arena.allocate_array<SpillPoint>(vregs, SpillPoint{});
  first_eviction = arena.allocate_array<std::uint32_t>(vregs, kNone);
  eviction_cost = arena.allocate_array<std::uint64_t>(vregs, 0);
  reg_of_ = arena.allocate_array<std::uint8_t>(vregs, kNoReg);
  next_use_ = arena.allocate_array<std::uint32_t>(vregs, kDead);
  stamp_ = arena.allocate_array<std::uint32_t>(vregs, kNone);
  held_ = arena.allocate_array<std::uint64_t>(vregs, 0);
  use_index_ = arena.allocate_array<std::uint32_t>(vregs, 0);
  edits.reserve(function.insts.size() / 4 + 16);
}

void Allocator::run() {
  for (const std::uint32_t block : live.order) visit_block(block);
}

void Allocator::visit_block(std::uint32_t block) {
  block_ = block;
  enter_block(block);
  entry[block] = in_reg_;
  const mir::BlockData& data = f_.blocks[block];
  std::uint32_t position = 0;
  for (std::uint32_t i = data.first; i < data.first + data.count; ++i) {
    visit_inst(i, position);
    position += (f_.insts[i].flags & mir::kCall) ? kBehindCall + 1 : 1;
    if (position > kFarthest) position = kFarthest;
  }
  exit[block] = in_reg_;
  for (std::uint32_t regs = occupied_; regs; regs &= regs - 1)
    reg_of_[in_reg_[std::countr_zero(regs)]] = kNoReg;
  in_reg_.fill(kNone);
  occupied_ = 0;
}

void Allocator::visit_inst(std::uint32_t index, std::uint32_t position) {
  const Inst& inst = f_.insts[index];
  const auto operands = f_.operands_of(inst);
  bool constrained = inst.clobbers.bits != 0;
  for (const Operand& operand : operands) {
    constrained |= operand.constraint == Constraint::fixed;
    if (!is_use(operand) && f_.vregs[operand.vreg.index].rematerializable) {
      dead[index] = true;
      return;
    }
  }
  if (constrained)
    visit_constrained(index, position);
  else
    visit_simple(index, position);
  if (inst.flags & mir::kMove) finish_move(index);
}

/// A copy within one register is no instruction.
void Allocator::finish_move(std::uint32_t index) {
  const Inst& inst = f_.insts[index];
  dead[index] = inst.operand_count == 2 && locations[inst.operands] == locations[inst.operands + 1];
}

/// Exchanges operands 0 and 1 where that saves a copy or a load.
void Allocator::order_commutative(std::uint32_t index) {
  const Inst& inst = f_.insts[index];
  const std::uint32_t o = inst.operands;
  Operand &first = f_.operands[o], &second = f_.operands[o + 1];
  if (first.vreg == second.vreg || first.role != Role::use || second.role != Role::use) return;
  const std::uint32_t a = first.vreg.index, b = second.vreg.index;
  const bool a_dies = live.next_after[o] == kDead, b_dies = live.next_after[o + 1] == kDead;
  const bool a_in = reg_of_[a] != kNoReg, b_in = reg_of_[b] != kNoReg;
  bool exchange = false;
  if (b_dies && !a_dies)
    exchange = b_in;
  else if (a_dies && b_dies && !a_in)
    exchange = b_in;
  else if (a_dies && b_dies && b_in) {
    for (const Operand& operand : f_.operands_of(inst))
      if (operand.constraint == Constraint::reuse && operand.fixed.number == 0)
        exchange = hint(operand.vreg.index) == reg_of_[b];
  }
  if (!exchange) return;
  std::swap(first.vreg, second.vreg);
  std::swap(live.next_after[o], live.next_after[o + 1]);
}

bool Allocator::prefers_slot(std::uint32_t vreg, std::uint32_t next, std::uint32_t position) const {
  if (rematerializable(vreg)) return false;
  return next == kDead || next > position + kNear || (free() & class_mask(vreg)) == 0;
}

/// Instructions without fixed registers and clobbers.
void Allocator::visit_simple(std::uint32_t index, std::uint32_t position) {
  const Inst& inst = f_.insts[index];
  if ((inst.flags & mir::kCommutative) && inst.operand_count >= 2) order_commutative(index);
  const std::uint32_t begin = inst.operands, end = inst.operands + inst.operand_count;
  std::uint32_t locked = 0, dying = 0, dying_late = 0, late = 0;
  bool missing = false;
  for (std::uint32_t o = begin; o < end; ++o) {
    if (!is_use(f_.operands[o])) continue;
    const std::uint8_t reg = reg_of_[f_.operands[o].vreg.index];
    if (reg == kNoReg)
      missing = true;
    else
      locked |= bit(reg);
  }
  for (std::uint32_t o = begin; missing && o < end; ++o) {
    const Operand& operand = f_.operands[o];
    const std::uint32_t v = operand.vreg.index;
    if (!is_use(operand) || reg_of_[v] != kNoReg) continue;
    if (operand.constraint == Constraint::reg_or_slot && prefers_slot(v, live.next_after[o], position))
      continue;
    const std::uint32_t reg = take(v, class_mask(v), locked, index);
    load(v, reg, index);
    locked |= bit(reg);
  }
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (!is_use(operand)) continue;
    const std::uint32_t v = operand.vreg.index;
    const std::uint8_t reg = reg_of_[v];
    locations[o] = reg == kNoReg ? slot_of(v) : Location::reg(mir::PReg{reg});
    next_use_[v] = live.next_after[o];
    if (reg != kNoReg && operand.role == Role::late_use) late |= bit(reg);
    if (reg == kNoReg || next_use_[v] != kDead) continue;
    (operand.role == Role::use ? dying : dying_late) |= bit(reg);
  }
  dying &= ~dying_late;

  std::uint32_t defined = 0, dead_defs = 0;
  auto define = [&](std::uint32_t o, std::uint32_t reg) {
    const std::uint32_t v = f_.operands[o].vreg.index;
    bind(v, reg);
    def_reg[v] = static_cast<std::uint8_t>(reg);
    locations[o] = Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)});
    next_use_[v] = live.next_after[o];
    defined |= bit(reg);
    if (next_use_[v] == kDead) dead_defs |= bit(reg);
  };
  for (std::uint32_t o = begin; o < end; ++o) {
    if (f_.operands[o].role != Role::early_def || f_.operands[o].constraint == Constraint::reuse) continue;
    const std::uint32_t v = f_.operands[o].vreg.index;
    define(o, take(v, class_mask(v), locked | defined, index));
  }
  for (std::uint32_t o = begin; o < end; ++o) {
    if (is_use(f_.operands[o]) || f_.operands[o].constraint != Constraint::reuse) continue;
    const std::uint32_t v = f_.operands[o].vreg.index;
    const std::uint32_t source = begin + f_.operands[o].fixed.number;
    const std::uint32_t s = f_.operands[source].vreg.index;
    std::uint32_t reg = locations[source].value;
    // Whether the result may be written over the source although other operands name the same register.
    bool alone = (late & bit(reg)) == 0;
    for (std::uint32_t other = begin; f_.operands[o].role == Role::early_def && other < end; ++other)
      alone &= other == source || !is_use(f_.operands[other]) || locations[other].value != reg;
    if (alone && (dying & bit(reg))) {
      dying &= ~bit(reg);
      release(reg);
    } else {
      const std::uint32_t mask = class_mask(v);
      const std::uint32_t others = mask & occupied_ & ~locked & ~defined;
      const bool in_place = alone && (free() & mask) == 0 && reg_of_[s] == reg && (defined & bit(reg)) == 0 &&
                            (others == 0 || next_use_[s] >= next_use_[in_reg_[farthest(others)]]);
      if (in_place) {
        evict(reg, index);
      } else {
        const std::uint32_t copy = take(v, mask, locked | defined, index);
        edits.push_back({index, width(s), Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)}),
                         Location::reg(mir::PReg{static_cast<std::uint8_t>(copy)})});
        // The value that lives on moves away if the result is wanted where it is and nothing else reads it
        // here.
        const bool result_stays = alone && hint(v) == reg && reg_of_[s] == reg && (defined & bit(reg)) == 0;
        if (result_stays) {
          release(reg);
          bind(s, copy);
          locked |= bit(copy);
        } else {
          locations[source] = Location::reg(mir::PReg{static_cast<std::uint8_t>(copy)});
          reg = copy;
        }
      }
    }
    define(o, reg);
  }
  for (std::uint32_t regs = dying & ~defined; regs; regs &= regs - 1)
    release(static_cast<std::uint32_t>(std::countr_zero(regs)));
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (operand.role != Role::def || operand.constraint == Constraint::reuse) continue;
    const std::uint32_t v = operand.vreg.index;
    // A copy takes over the register of its source, if that dies.
    if (inst.flags & mir::kMove) {
      const Location source = locations[o == begin ? begin + 1 : begin];
      if (source.is_reg() && (free() & bit(source.value))) {
        define(o, source.value);
        continue;
      }
    }
    define(o, take(v, class_mask(v), defined | late, index));
  }
  for (std::uint32_t regs = (dying_late & ~defined) | dead_defs; regs; regs &= regs - 1)
    release(static_cast<std::uint32_t>(std::countr_zero(regs)));
}

std::uint32_t Allocator::take(std::uint32_t vreg, std::uint32_t mask, std::uint32_t forbidden,
                              std::uint32_t before) {
  const std::uint32_t available = free() & mask & ~forbidden;
  if (available) return choose(vreg, available);
  const std::uint32_t candidates = mask & occupied_ & ~forbidden;
  NB_ASSERT(candidates != 0);  // the selector's instructions leave room
  const std::uint32_t reg = farthest(candidates);
  evict(reg, before);
  return reg;
}

/// The register whose value is needed last. Values that need no store are taken before others of about the
/// same distance.
std::uint32_t Allocator::farthest(std::uint32_t mask) const {
  std::uint32_t best = kNoReg, best_distance = 0;
  for (; mask; mask &= mask - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(mask));
    const std::uint32_t v = in_reg_[reg];
    const std::uint32_t bonus = rematerializable(v) || spill[v].block != kNone || slot_at_def[v] ? 4 : 0;
    const std::uint32_t distance = next_use_[v] == kDead ? kDead : next_use_[v] + bonus;
    if (best != kNoReg && distance <= best_distance) continue;
    best = reg;
    best_distance = distance;
  }
  return best;
}

std::uint8_t Allocator::hint(std::uint32_t vreg) const {
  constexpr int kSteps = 8;
  std::uint32_t v = vreg;
  for (int step = 0; step < kSteps && v != kNone; ++step) {
    if (live.fixed_hint[v] != 0xff) return live.fixed_hint[v];
    if (v != vreg && def_reg[v] != kNoReg) return def_reg[v];
    v = live.affinity[v];
  }
  return kNoReg;
}

std::uint32_t Allocator::choose(std::uint32_t vreg, std::uint32_t available) const {
  const std::uint8_t wanted = hint(vreg);
  if (wanted != kNoReg && (available & bit(wanted))) return wanted;
  for (const std::uint8_t reg : kPreference)
    if (available & bit(reg)) return reg;
  return kNoReg;
}

void Allocator::load(std::uint32_t vreg, std::uint32_t reg, std::uint32_t before) {
  const Location to = Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)});
  if (rematerializable(vreg))
    edits.push_back({before, width(vreg), to, to, Edit::Kind::remat, live.defs[vreg].inst});
  else
    edits.push_back({before, width(vreg), slot_of(vreg), to});
  bind(vreg, reg);
}

void Allocator::bind(std::uint32_t vreg, std::uint32_t reg) {
  NB_DEBUG_ASSERT(!(occupied_ & bit(reg)));
  in_reg_[reg] = vreg;
  reg_of_[vreg] = static_cast<std::uint8_t>(reg);
  occupied_ |= bit(reg);
}

void Allocator::release(std::uint32_t reg) {
  reg_of_[in_reg_[reg]] = kNoReg;
  in_reg_[reg] = kNone;
  occupied_ &= ~bit(reg);
}

void Allocator::evict(std::uint32_t reg, std::uint32_t before) {
  const std::uint32_t v = in_reg_[reg];
  release(reg);
  if (next_use_[v] == kDead || rematerializable(v) || slot_at_def[v]) return;
  const SpillPoint& point = spill[v];
  const bool is_below = point.block != kNone && (point.block != block_ || point.edit != kNone) &&
                        live.dominates(point.block, block_);
  // Below an eviction the value is in its slot; below the dominator of several it need not be.
  if (is_below && (point.edit != kNone || eviction_cost[v] == kTooOften)) return;
  edits.push_back({before, 0, Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)}), slot_of(v)});
  list_eviction(v, block_, edits.size() - 1);
  if (!is_below) record_eviction(v, block_, edits.size() - 1);
}

/// The list ends where storing at the definition is cheaper, which also bounds it.
void Allocator::list_eviction(std::uint32_t vreg, std::uint32_t block, std::uint32_t edit) {
  std::uint64_t& cost = eviction_cost[vreg];
  if (cost == kTooOften) return;
  cost += live.frequency[block] + 1;
  if (cost > live.frequency[live.defs[vreg].block]) {
    cost = kTooOften;
    return;
  }
  evictions.push_back({block, edit, first_eviction[vreg]});
  first_eviction[vreg] = evictions.size() - 1;
}

void Allocator::record_eviction(std::uint32_t vreg, std::uint32_t block, std::uint32_t edit) {
  SpillPoint& point = spill[vreg];
  if (point.block == kNone) {
    point = {block, edit};
    spilled.push_back(vreg);
    return;
  }
  if (point.block == block && point.edit == kNone) point.edit = edit;
  if (live.dominates(point.block, block)) return;
  if (live.dominates(block, point.block)) {
    point = {block, edit};
    return;
  }
  std::uint32_t common = point.block;
  while (!live.dominates(common, block)) common = f_.blocks[common].idom.index;
  point = {common, kNone};
}

}  // namespace nebulet::wasm::regalloc
