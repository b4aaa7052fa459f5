// SPDX-License-Identifier: MIT
// What is in registers when a block begins, decided when all its predecessors but those of back edges have
// been visited.
#include <algorithm>

#include "base/assert.h"
#include "wasm/regalloc/allocator.h"

namespace nebulet::wasm::regalloc {

namespace {
constexpr std::uint32_t bit(std::uint32_t reg) { return 1u << reg; }

/// A use at this distance is likely to be reached with the value still in its register; one that is n times
/// as far is n times less likely.
constexpr std::uint32_t kSoon = 32;
}  // namespace

/// The predecessor whose registers the block takes over: hot before cold, then by frequency.
std::uint32_t Allocator::hottest_pred(std::uint32_t block) const {
  const mir::BlockData& data = f_.blocks[block];
  std::uint32_t best = kNone;
  for (const std::uint32_t pred : f_.pool.slice(data.preds, data.pred_count)) {
    if (live.order_index[pred] >= live.order_index[block]) continue;
    if (best == kNone) {
      best = pred;
      continue;
    }
    const mir::BlockData &a = f_.blocks[pred], &b = f_.blocks[best];
    if (a.cold != b.cold ? b.cold : live.frequency[pred] > live.frequency[best]) best = pred;
  }
  return best;
}

void Allocator::enter_block(std::uint32_t block) {
  const mir::BlockData& data = f_.blocks[block];
  if (data.pred_count == 0) return;
  const auto params = f_.vregs_at(data.params, data.param_count);
  if (live.mode == Mode::block_local) {
    for (const mir::VReg v : params) slot_at_def[v.index] = live.used[v.index];
    return;
  }
  for (const LiveIn& value : live.live_in_of(block)) {
    stamp_[value.vreg] = block;
    next_use_[value.vreg] = value.distance;
    held_[value.vreg] = 0;
  }
  const std::uint32_t pred = hottest_pred(block);
  NB_ASSERT(pred != kNone);
  if (data.pred_count == 1 && data.param_count == 0) {
    if (!f_.is_landing(block)) inherit(block, pred);
    return;
  }
  candidates_.clear();
  if (data.loop_header.index == block)
    enter_loop(block, pred);
  else
    join(block, pred);
  add_params(block, pred);
  keep_nearest(block);
}

void Allocator::inherit(std::uint32_t block, std::uint32_t pred) {
  for (std::uint32_t regs = allocatable_; regs; regs &= regs - 1) {
    const std::uint32_t reg = static_cast<std::uint32_t>(std::countr_zero(regs));
    const std::uint32_t v = exit[pred][reg];
    if (v != kNone && stamp_[v] == block) bind(v, reg);
  }
}

/// Values that predecessors have in registers, unless loading them on the other edges costs more than where
/// they are used.
void Allocator::join(std::uint32_t block, std::uint32_t pred) {
  const mir::BlockData& data = f_.blocks[block];
  const auto preds = f_.pool.slice(data.preds, data.pred_count);
  constexpr std::uint32_t kPredsToScan = 16;  // a br_table's join may have thousands
  std::uint32_t scanned[kPredsToScan];
  std::uint32_t count = 0;
  scanned[count++] = pred;
  for (const std::uint32_t other : preds)
    if (other != pred && count < kPredsToScan && !f_.blocks[other].cold &&
        live.order_index[other] < live.order_index[block])
      scanned[count++] = other;
  std::uint64_t total = 0;
  for (const std::uint32_t p : std::span(scanned, count)) {
    total += live.frequency[p];
    for (const std::uint32_t v : exit[p])
      if (v != kNone && stamp_[v] == block) held_[v] += live.frequency[p];
  }
  for (const std::uint32_t p : std::span(scanned, count))
    for (std::uint32_t reg = 0; reg < 32; ++reg) {
      const std::uint32_t v = exit[p][reg];
      if (v == kNone || stamp_[v] != block) continue;
      stamp_[v] = kNone;
      const std::uint64_t missing = total - held_[v];
      if (missing != 0 &&
          (next_use_[v] >= kBehindCall || missing * std::max(next_use_[v] + 1, kSoon) > total * kSoon))
        continue;
      candidates_.push_back({v, next_use_[v], reg, false});
    }
}

/// Whether a value can have its register throughout the loop.
bool Allocator::roomy(std::uint32_t header, std::uint32_t v) const {
  const Pressure& pressure = live.loop_pressure[header];
  const std::uint32_t most = f_.vregs[v].reg_class == mir::RegClass::vec ? pressure.vec : pressure.gpr;
  return !pressure.call && most <= static_cast<std::uint32_t>(std::popcount(class_mask(v)));
}

/// What the loop uses before a call, wherever it is now, if it can stay in a register or is used soon; and
/// what lives through it, as far as the loop leaves room.
void Allocator::enter_loop(std::uint32_t block, std::uint32_t pred) {
  RegState before = exit[pred];
  // Register of each value at the predecessor's end, by way of reg_of_, which is empty between blocks.
  for (std::uint32_t reg = 0; reg < 32; ++reg)
    if (before[reg] != kNone) reg_of_[before[reg]] = static_cast<std::uint8_t>(reg);
  const Pressure& pressure = live.loop_pressure[block];
  std::uint32_t in_memory[2] = {0, 0};  // values that live through and have no register to lose
  const std::uint32_t first = candidates_.size();
  for (const LiveIn& value : live.live_in_of(block)) {
    const std::uint32_t reg = reg_of_[value.vreg];
    const bool vec = f_.vregs[value.vreg].reg_class == mir::RegClass::vec;
    if (value.distance < kBehindCall && !roomy(block, value.vreg) && value.distance >= kSoon) {
      in_memory[vec] += reg == kNoReg;
      continue;
    }
    if (value.distance < kBehindCall)
      candidates_.push_back({value.vreg, value.distance, reg, false});
    else if (reg == kNoReg)
      ++in_memory[vec];
    else if (value.distance >= kBehindCold && !pressure.call)
      candidates_.push_back({value.vreg, value.distance, reg, false});
  }
  for (std::uint32_t reg = 0; reg < 32; ++reg)
    if (before[reg] != kNone) reg_of_[before[reg]] = kNoReg;

  std::sort(candidates_.begin() + first, candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.vreg < b.vreg;
  });
  for (const bool vec : {false, true}) {
    const std::uint32_t k =
        static_cast<std::uint32_t>(std::popcount(allocatable_ & (vec ? kVecBits : kGprBits)));
    const std::uint32_t most = vec ? pressure.vec : pressure.gpr;
    std::uint32_t excess = most > k + in_memory[vec] ? most - k - in_memory[vec] : 0;
    for (std::uint32_t i = candidates_.size(); excess && i-- > first;) {
      Candidate& candidate = candidates_[i];
      if (candidate.distance < kBehindCold) break;
      if ((f_.vregs[candidate.vreg].reg_class == mir::RegClass::vec) != vec) continue;
      candidate.distance = kDead;
      --excess;
    }
  }
  std::uint32_t kept = first;
  for (std::uint32_t i = first; i < candidates_.size(); ++i)
    if (candidates_[i].distance != kDead) candidates_[kept++] = candidates_[i];
  while (candidates_.size() > kept) candidates_.pop_back();
}

void Allocator::add_params(std::uint32_t block, std::uint32_t pred) {
  const mir::BlockData& data = f_.blocks[block];
  const auto params = f_.vregs_at(data.params, data.param_count);
  if (params.empty()) return;
  for (const mir::VReg v : params)
    next_use_[v.index] = live.used[v.index] ? live.param_distance[v.index] : kDead;
  for (std::uint32_t reg = 0; reg < 32; ++reg)
    if (exit[pred][reg] != kNone) reg_of_[exit[pred][reg]] = static_cast<std::uint8_t>(reg);
  std::uint32_t edge_args = kNone, count = 0;
  const mir::BlockData& from = f_.blocks[pred];
  for (const mir::EdgeData& edge : f_.edges.slice(from.succs, from.succ_count))
    if (edge.to.index == block) edge_args = edge.args, count = edge.count;
  NB_ASSERT(count == params.size());
  const bool header = data.loop_header.index == block;
  const auto args = f_.vregs_at(edge_args, count);
  for (std::uint32_t i = 0; i < params.size(); ++i) {
    const std::uint32_t v = params[i].index, arg = args[i].index;
    if (!live.used[v]) continue;
    // It must be in memory at the next call anyway, or it is there and is not used soon.
    const bool behind_call = next_use_[v] >= kBehindCall && next_use_[v] < kBehindCold;
    // Where a loop's parameter is before the loop matters less than the calls in it, behind which it would be
    // loaded for the next round each time.
    const bool elsewhere =
        header && live.loop_pressure[block].call ? true : reg_of_[arg] == kNoReg && !rematerializable(arg);
    const bool stays =
        elsewhere && next_use_[v] >= kSoon && next_use_[v] < kBehindCold && !(header && roomy(block, v));
    if (behind_call || stays)
      slot_at_def[v] = true;
    else
      candidates_.push_back({v, next_use_[v], reg_of_[arg], true});
  }
  for (std::uint32_t reg = 0; reg < 32; ++reg)
    if (exit[pred][reg] != kNone) reg_of_[exit[pred][reg]] = kNoReg;
}

/// Gives registers to the candidates that are needed first; a parameter without one arrives in its slot.
void Allocator::keep_nearest(std::uint32_t block) {
  for (const bool vec : {false, true}) {
    const std::uint32_t mask = allocatable_ & (vec ? kVecBits : kGprBits);
    const std::uint32_t k = static_cast<std::uint32_t>(std::popcount(mask));
    auto same = [&](const Candidate& c) { return (f_.vregs[c.vreg].reg_class == mir::RegClass::vec) == vec; };
    std::uint32_t count = 0;
    for (const Candidate& candidate : candidates_) count += same(candidate);
    if (count > k) {
      std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.vreg < b.vreg;
      });
      std::uint32_t room = k;
      for (Candidate& candidate : candidates_) {
        if (!same(candidate)) continue;
        if (room) {
          --room;
          continue;
        }
        if (candidate.param) slot_at_def[candidate.vreg] = true;
        candidate.distance = kDead;
      }
    }
  }
  const bool header = f_.blocks[block].loop_header.index == block;
  auto usable = [&](std::uint32_t reg, std::uint32_t v) {
    return reg != kNoReg && (free() & class_mask(v) & bit(reg));
  };
  auto place = [&](Candidate& candidate, std::uint32_t reg) {
    bind(candidate.vreg, reg);
    if (candidate.param) def_reg[candidate.vreg] = static_cast<std::uint8_t>(reg);
    candidate.distance = kDead;
  };
  for (Candidate& c : candidates_)
    if (c.distance != kDead && !c.param && usable(c.reg, c.vreg)) place(c, c.reg);
  // A loop's parameter goes where the loop wants it; others where the argument is.
  for (Candidate& c : candidates_) {
    if (c.distance == kDead || !c.param) continue;
    const std::uint32_t wanted = header ? hint(c.vreg) : kNoReg;
    if (usable(wanted, c.vreg))
      place(c, wanted);
    else if (usable(c.reg, c.vreg))
      place(c, c.reg);
  }
  for (Candidate& c : candidates_)
    if (c.distance != kDead) place(c, choose(c.vreg, free() & class_mask(c.vreg)));
}

}  // namespace nebulet::wasm::regalloc
