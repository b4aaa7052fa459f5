// SPDX-License-Identifier: MIT
// Instructions with fixed registers or clobbers: calls, divisions, returns, the function's entry. First a
// home is found for each value that lives on and a place for each use, then one parallel move establishes
// them.
#include "base/assert.h"
#include "wasm/regalloc/allocator.h"

namespace nebulet::wasm::regalloc {

using mir::Constraint;
using mir::Inst;
using mir::Operand;
using mir::Role;

namespace {

constexpr std::uint32_t bit(std::uint32_t reg) { return 1u << reg; }
bool is_use(const Operand& operand) { return operand.role == Role::use || operand.role == Role::late_use; }
Location in(std::uint32_t reg) { return Location::reg(mir::PReg{static_cast<std::uint8_t>(reg)}); }

/// One value that the instruction reads.
struct Use {
  std::uint32_t vreg;
  std::uint32_t source;  ///< register before the instruction, or kNoReg
  std::uint32_t place;   ///< where an operand without a fixed register reads it, or kNoReg
  std::uint32_t fixed;   ///< registers that must hold it
  bool free_choice;      ///< also read by an operand without a fixed register
  bool must_load;        ///< … which cannot read it from its slot
  bool late;
  bool survives;
};

constexpr std::uint32_t kMaxUses = 256;

}  // namespace

void Allocator::visit_constrained(std::uint32_t index, std::uint32_t position) {
  const Inst& inst = f_.insts[index];
  if ((inst.flags & mir::kCommutative) && inst.operand_count >= 2) order_commutative(index);
  const std::uint32_t begin = inst.operands, end = inst.operands + inst.operand_count;
  Use uses[kMaxUses];  // not initialized: most instructions need two
  std::uint32_t use_count = 0;
  auto find = [&](std::uint32_t v) -> Use* {
    const std::uint32_t at = use_index_[v];
    return at < use_count && uses[at].vreg == v ? &uses[at] : nullptr;
  };

  // Registers by what happens to them.
  std::uint32_t fixed_uses = 0, early = 0, late = inst.clobbers.bits;
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (is_use(operand)) {
      const std::uint32_t v = operand.vreg.index;
      Use* use = find(v);
      if (!use) {
        use_index_[v] = use_count;
        uses[use_count] = Use{v, reg_of_[v], kNoReg, 0, false, false, false, false};
        use = &uses[use_count++];
      }
      use->survives = live.next_after[o] != kDead;
      use->late |= operand.role == Role::late_use;
      next_use_[v] = live.next_after[o];
      if (operand.constraint == Constraint::fixed) {
        use->fixed |= bit(operand.fixed.number);
        fixed_uses |= bit(operand.fixed.number);
      } else {
        use->free_choice = true;
        use->must_load |= operand.constraint == Constraint::reg || use->source != kNoReg ||
                          !prefers_slot(v, live.next_after[o], position);
      }
    } else if (operand.constraint == Constraint::fixed) {
      (operand.role == Role::early_def ? early : late) |= bit(operand.fixed.number);
    } else if (operand.constraint == Constraint::reuse) {
      const Operand& source = f_.operands[begin + operand.fixed.number];
      if (source.constraint == Constraint::fixed) late |= bit(source.fixed.number);
    }
  }
  const std::uint32_t written = early | late;

  // Homes: the registers that values which live on will have during and after the instruction.
  RegState home;
  home.fill(kNone);
  std::uint32_t taken = fixed_uses;  // no register of these is given to another value
  std::uint32_t homes = 0;
  auto settle = [&](std::uint32_t v, std::uint32_t reg) {
    home[reg] = v;
    homes |= bit(reg);
    taken |= bit(reg);
  };
  std::uint32_t homeless = 0;  // current registers of values that must move
  for (std::uint32_t regs = occupied_; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    const std::uint32_t v = in_reg_[reg];
    Use* use = find(v);
    const std::uint32_t own = use ? use->fixed : 0;
    if (use && !use->survives && !use->late) {
      // Dies here. It stays put for a free choice if nothing else claims the register.
      if (use->free_choice && !((fixed_uses & ~own) & bit(reg)) && !(early & bit(reg))) {
        use->place = reg;
        taken |= bit(reg);
      }
    } else if (!((written | (fixed_uses & ~own)) & bit(reg))) {
      settle(v, reg);
    } else if (own & ~written) {
      settle(v, static_cast<std::uint32_t>(std::countr_zero(own & ~written)));
    } else {
      homeless |= bit(reg);
    }
  }
  auto evict_home = [&](std::uint32_t reg) {  // before the moves: the value still is where it was
    const std::uint32_t v = home[reg];
    home[reg] = kNone;
    homes &= ~bit(reg);
    taken &= ~bit(reg);
    evict(reg_of_[v], index);
  };
  auto locked_homes = [&] {  // homes that a use reads
    std::uint32_t locked = 0;
    for (std::uint32_t u = 0; u < use_count; ++u)
      for (std::uint32_t regs = uses[u].free_choice || uses[u].late ? homes : 0; regs; regs &= regs - 1)
        if (home[std::countr_zero(regs)] == uses[u].vreg) locked |= regs & (~regs + 1);
    return locked;
  };
  auto nearest_victim = [&](std::uint32_t mask) {
    std::uint32_t best = kNoReg;
    for (mask &= ~fixed_uses; mask; mask &= mask - 1) {
      const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(mask));
      if (home[reg] != kNone && reg_of_[home[reg]] != kNoReg &&
          (best == kNoReg || next_use_[home[reg]] > next_use_[home[best]]))
        best = reg;
    }
    return best;
  };
  for (std::uint32_t regs = homeless; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    const std::uint32_t v = in_reg_[reg];
    Use* use = find(v);
    const std::uint32_t available = class_mask(v) & ~taken & ~written;
    if (available) {
      settle(v, choose(v, available));
      continue;
    }
    const std::uint32_t victim = nearest_victim(class_mask(v) & homes & ~locked_homes());
    if (victim != kNoReg && ((use && use->late) || next_use_[home[victim]] > next_use_[v])) {
      evict_home(victim);
      settle(v, victim);
    } else {
      NB_ASSERT(!use || !use->late);
      evict(reg, index);
    }
  }

  // Places of uses with a free choice of register.
  auto reserve = [&](std::uint32_t v, std::uint32_t avoid) {
    const std::uint32_t mask = class_mask(v) & ~avoid;
    if (const std::uint32_t available = mask & ~taken) {
      const std::uint32_t reg = choose(v, available);
      taken |= bit(reg);
      return reg;
    }
    const std::uint32_t victim = nearest_victim(mask & homes & ~locked_homes());
    NB_ASSERT(victim != kNoReg);
    evict_home(victim);
    taken |= bit(victim);
    return victim;
  };
  for (std::uint32_t u = 0; u < use_count; ++u) {
    Use& use = uses[u];
    if (!use.free_choice || use.place != kNoReg) continue;
    for (std::uint32_t regs = homes; regs; regs &= regs - 1)
      if (home[std::countr_zero(regs)] == use.vreg)
        use.place = static_cast<std::uint32_t>(std::countr_zero(regs));
    const std::uint32_t bad = use.late ? written : early;
    if (use.place != kNoReg) continue;
    if (use.fixed & ~bad) {
      use.place = static_cast<std::uint32_t>(std::countr_zero(use.fixed & ~bad));
    } else if (use.source != kNoReg && !((taken | bad) & bit(use.source))) {
      use.place = use.source;
      taken |= bit(use.place);
    } else if (use.source != kNoReg || use.must_load) {
      const bool keep = use.survives && (class_mask(use.vreg) & ~taken & ~written) != 0;
      use.place = reserve(use.vreg, use.survives && keep ? written : bad);
      if (keep) settle(use.vreg, use.place);
    }
  }

  // Two-address results take over the place of their use, or a copy of it.
  struct Tie {
    std::uint32_t operand, reg, source_operand;
    bool copy;
  };
  Tie ties[8];
  std::uint32_t tie_count = 0;
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (is_use(operand) || operand.constraint != Constraint::reuse) continue;
    NB_ASSERT(tie_count < 8);
    const std::uint32_t source = begin + operand.fixed.number;
    if (f_.operands[source].constraint == Constraint::fixed) {
      ties[tie_count++] = {o, f_.operands[source].fixed.number, source, false};
      continue;
    }
    Use& use = *find(f_.operands[source].vreg.index);
    bool own =
        !use.survives && !use.late && !((written | fixed_uses) & bit(use.place)) && !(homes & bit(use.place));
    for (std::uint32_t t = 0; t < tie_count; ++t) own &= ties[t].reg != use.place;
    for (std::uint32_t other = begin; operand.role == Role::early_def && other < end; ++other)
      own &= other == source || !is_use(f_.operands[other]) ||
             f_.operands[other].vreg != f_.operands[source].vreg;
    ties[tie_count++] = {o, own ? use.place : reserve(use.vreg, written), source, !own};
  }

  // Early results and temporaries.
  std::uint32_t results = early;
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (operand.role != Role::early_def || operand.constraint == Constraint::reuse) continue;
    if (operand.constraint == Constraint::fixed) {
      locations[o] = in(operand.fixed.number);
      continue;
    }
    const bool temporary = live.next_after[o] == kDead;
    const std::uint32_t reg = reserve(operand.vreg.index, temporary ? early : written);
    locations[o] = in(reg);
    results |= bit(reg);
  }

  // The moves: homes, places, fixed uses, copies. Then what comes from memory.
  std::uint32_t targets = 0, loads = 0;
  auto want = [&](std::uint32_t reg, std::uint32_t v, std::uint32_t source) {
    if (targets & bit(reg)) return;
    targets |= bit(reg);
    if (source == kNoReg)
      loads |= bit(reg);
    else
      moves_.add(in(reg), in(source), width(v));
  };
  RegState loaded;
  for (std::uint32_t regs = homes; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    const std::uint32_t v = home[reg];
    const Use* use = find(v);
    want(reg, v, use ? use->source : reg_of_[v]);
    loaded[reg] = v;
  }
  for (std::uint32_t u = 0; u < use_count; ++u) {
    const Use& use = uses[u];
    const std::uint32_t regs = use.fixed | (use.place != kNoReg ? bit(use.place) : 0);
    for (std::uint32_t left = regs; left; left &= left - 1) {
      const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(left));
      want(reg, use.vreg, use.source);
      loaded[reg] = use.vreg;
    }
  }
  for (std::uint32_t t = 0; t < tie_count; ++t) {
    if (!ties[t].copy) continue;
    const Use& use = *find(f_.operands[ties[t].source_operand].vreg.index);
    want(ties[t].reg, use.vreg, use.source);
    loaded[ties[t].reg] = use.vreg;
  }
  moves_.emit(index, edits);

  // A value that was loaded for a fixed use and lives on stays there.
  for (std::uint32_t u = 0; u < use_count; ++u) {
    const Use& use = uses[u];
    if (use.source == kNoReg && use.survives && (use.fixed & ~written) && !use.free_choice)
      settle(use.vreg, static_cast<std::uint32_t>(std::countr_zero(use.fixed & ~written)));
  }
  for (std::uint32_t regs = occupied_; regs; regs &= regs - 1)
    release(static_cast<std::uint32_t>(std::countr_zero(regs)));
  for (std::uint32_t regs = loads; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    load(loaded[reg], reg, index);
    release(reg);
  }
  for (std::uint32_t regs = homes; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    if (next_use_[home[reg]] != kDead) bind(home[reg], reg);
  }

  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (!is_use(operand)) continue;
    const Use& use = *find(operand.vreg.index);
    if (operand.constraint == Constraint::fixed)
      locations[o] = in(operand.fixed.number);
    else
      locations[o] = use.place == kNoReg ? slot_of(use.vreg) : in(use.place);
  }
  std::uint32_t held = 0;  // registers of late uses that die: free only behind the results
  for (std::uint32_t u = 0; u < use_count; ++u)
    if (uses[u].late) held |= uses[u].fixed | (uses[u].place != kNoReg ? bit(uses[u].place) : 0);

  // Results.
  auto define = [&](std::uint32_t o, std::uint32_t reg) {
    const std::uint32_t v = f_.operands[o].vreg.index;
    locations[o] = in(reg);
    def_reg[v] = static_cast<std::uint8_t>(reg);
    next_use_[v] = live.next_after[o];
    results |= bit(reg);
    if (next_use_[v] != kDead) bind(v, reg);
  };
  for (std::uint32_t t = 0; t < tie_count; ++t) {
    locations[ties[t].source_operand] = in(ties[t].reg);
    define(ties[t].operand, ties[t].reg);
  }
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (is_use(operand) || operand.constraint == Constraint::reuse) continue;
    if (operand.role == Role::early_def)
      define(o, locations[o].value);
    else if (operand.constraint == Constraint::fixed)
      define(o, operand.fixed.number);
  }
  for (std::uint32_t o = begin; o < end; ++o) {
    const Operand& operand = f_.operands[o];
    if (operand.role != Role::def || operand.constraint != Constraint::reg) continue;
    define(o, take(operand.vreg.index, class_mask(operand.vreg.index), written | results | held, index));
  }
}

}  // namespace nebulet::wasm::regalloc
