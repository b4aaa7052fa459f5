// SPDX-License-Identifier: MIT
#include "wasm/regalloc/check.h"

#include <algorithm>
#include <vector>

#include "wasm/regalloc/print.h"

namespace nebulet::wasm::regalloc {
namespace {

using mir::Constraint;
using mir::Operand;
using mir::Role;

constexpr std::uint32_t kNone = 0xffffffff;

bool is_use(const Operand& operand) { return operand.role == Role::use || operand.role == Role::late_use; }
std::string number(std::uint32_t value) { return to_string(Location::slot(value)); }

/// (location, vreg) pairs, sorted: the state between blocks.
struct Fact {
  std::uint32_t location, vreg;
  auto operator<=>(const Fact&) const = default;
};
using Facts = std::vector<Fact>;

class Checker {
 public:
  Checker(const mir::Function& function, const Result& result, const Registers* registers)
      : f_(function), r_(result), registers_(registers), blocks_(function.blocks.size()) {
    state_.resize(32 + result.spill_bytes / 8 + 2);
    entry_.resize(blocks_);
    reached_.assign(blocks_, false);
  }

  std::string run() {
    if (r_.operands.size() != f_.operands.size()) return "operands are not parallel";
    if (r_.spill_bytes % 8) return "the spill area is no multiple of 8";
    for (std::uint32_t i = 1; i < r_.edits.size(); ++i)
      if (r_.edits[i].before < r_.edits[i - 1].before) return "edits are not sorted";
    first_edit_.assign(f_.insts.size() + 1, 0);
    for (std::uint32_t i = 0, e = 0; i <= f_.insts.size(); ++i) {
      while (e < r_.edits.size() && r_.edits[e].before < i) ++e;
      first_edit_[i] = e;
    }
    if (const std::string wrong = expand_maps(); !wrong.empty()) return wrong;
    number_dominators();
    find_defs();
    reached_[0] = true;
    std::vector<std::uint32_t> work = {0};
    std::vector<bool> queued(blocks_, false);
    queued[0] = true;
    for (std::size_t next = 0; next < work.size(); ++next) {
      const std::uint32_t b = work[next];
      queued[b] = false;
      load(entry_[b]);
      execute(b);
      const mir::BlockData& block = f_.blocks[b];
      for (std::uint32_t s = 0; s < block.succ_count; ++s) {
        const mir::EdgeData& edge = f_.edges[block.succs + s];
        const bool thrown = s == 0 && throws(block);
        if (thrown) std::swap(state_, at_call_);
        if (flow(edge) && !queued[edge.to.index]) {
          queued[edge.to.index] = true;
          work.push_back(edge.to.index);
        }
        if (thrown) std::swap(state_, at_call_);
      }
    }
    checking_ = true;
    for (std::uint32_t b = 0; b < blocks_ && error_.empty(); ++b) {
      if (!reached_[b]) continue;
      load(entry_[b]);
      check_entry(b);
      execute(b);
    }
    return error_;
  }

 private:
  void fail(std::uint32_t inst, const std::string& what) {
    if (checking_ && error_.empty()) error_ = "inst #" + number(inst) + ": " + what;
  }

  void number_dominators() {
    std::vector<std::vector<std::uint32_t>> children(blocks_);
    for (std::uint32_t b = 1; b < blocks_; ++b) children[f_.blocks[b].idom.index].push_back(b);
    enter_.assign(blocks_, 0);
    leave_.assign(blocks_, 0);
    std::uint32_t clock = 0;
    std::vector<std::uint32_t> stack = {0};
    enter_[0] = clock++;
    while (!stack.empty()) {
      const std::uint32_t b = stack.back();
      if (children[b].empty()) {
        leave_[b] = clock++;
        stack.pop_back();
        continue;
      }
      stack.push_back(children[b].back());
      children[b].pop_back();
      enter_[stack.back()] = clock++;
    }
  }

  void find_defs() {
    def_block_.assign(f_.vregs.size(), kNone);
    used_.assign(f_.vregs.size(), false);
    for (std::uint32_t b = 0; b < blocks_; ++b) {
      const mir::BlockData& block = f_.blocks[b];
      for (const mir::VReg v : f_.vregs_at(block.params, block.param_count)) def_block_[v.index] = b;
      for (const mir::Inst& inst : f_.insts.slice(block.first, block.count))
        for (const Operand& operand : f_.operands_of(inst)) {
          if (is_use(operand))
            used_[operand.vreg.index] = true;
          else
            def_block_[operand.vreg.index] = b;
        }
      for (const mir::EdgeData& edge : f_.edges.slice(block.succs, block.succ_count))
        for (const mir::VReg v : f_.vregs_at(edge.args, edge.count)) used_[v.index] = true;
    }
  }

  bool strictly_dominates(std::uint32_t a, std::uint32_t b) const {
    return a != kNone && a != b && enter_[a] <= enter_[b] && leave_[b] <= leave_[a];
  }

  // Locations.
  std::uint32_t id(Location l) const { return l.is_reg() ? l.value : 32 + l.slot_offset() / 8; }
  bool holds(Location l, std::uint32_t v) const {
    if (id(l) >= state_.size()) return false;
    const auto& set = state_[id(l)];
    return std::find(set.begin(), set.end(), v) != set.end();
  }
  void load(const Facts& facts) {
    for (auto& set : state_) set.clear();
    for (const Fact& fact : facts) state_[fact.location].push_back(fact.vreg);
  }
  bool in_bounds(Location l, std::uint32_t width) const {
    return l.is_reg() ||
           (l.slot_offset() % 8 == 0 && std::uint64_t{l.slot_offset()} + width <= r_.spill_bytes &&
            (width < 16 || l.slot_offset() % 16 == 0));
  }
  void write(Location l, std::uint32_t width, std::vector<std::uint32_t> values) {
    const std::uint32_t at = id(l);
    if (!l.is_reg()) {
      // What a wider neighbour held is gone.
      if (at > 32) std::erase_if(state_[at - 1], [&](std::uint32_t v) { return f_.vregs[v].width == 16; });
      if (width == 16) state_[at + 1].clear();
    }
    state_[at] = std::move(values);
  }

  // Execution.
  bool throws(const mir::BlockData& block) const {
    return (f_.insts[block.first + block.count - 1].flags & mir::kThrows) != 0;
  }
  void execute(std::uint32_t b) {
    const mir::BlockData& block = f_.blocks[b];
    for (std::uint32_t i = block.first; i < block.first + block.count; ++i) {
      for (std::uint32_t e = first_edit_[i]; e < first_edit_[i + 1]; ++e) execute_edit(r_.edits[e]);
      execute_inst(i);
      if (!throws(block) || !(f_.insts[i].flags & mir::kCall)) continue;
      at_call_ = state_;  // of the last one is what a handler sees
      for (std::uint32_t reg = 0; reg < 32; ++reg) at_call_[reg].clear();
    }
  }

  void execute_edit(const Edit& edit) {
    if (!in_bounds(edit.from, edit.width) || !in_bounds(edit.to, edit.width))
      return fail(edit.before, "slot out of bounds");
    if (edit.kind == Edit::Kind::swap) {
      if (!edit.from.is_reg() || !edit.to.is_reg() || edit.from.value >= 16 || edit.to.value >= 16)
        return fail(edit.before, "swap of other than gprs");
      std::swap(state_[id(edit.from)], state_[id(edit.to)]);
      return;
    }
    if (edit.kind == Edit::Kind::remat) {
      const mir::Inst& inst = f_.insts[edit.remat];
      const Operand& def = f_.operands[inst.operands];
      if (inst.operand_count != 1 || is_use(def) || !f_.vregs[def.vreg.index].rematerializable)
        return fail(edit.before, "repeats an instruction that must not be");
      if (edit.to.is_reg() && edit.to.preg().reg_class() != f_.vregs[def.vreg.index].reg_class)
        return fail(edit.before, "repeats into a wrong place");
      if (edit.to.is_reg() || edit.width >= f_.vregs[def.vreg.index].width)
        write(edit.to, edit.width, {def.vreg.index});
      else
        write(edit.to, edit.width, {});
      return;
    }
    if (!edit.from.is_reg() && !edit.to.is_reg()) return fail(edit.before, "moves from slot to slot");
    if (edit.from.is_reg() && edit.to.is_reg() && edit.from.preg().reg_class() != edit.to.preg().reg_class())
      return fail(edit.before, "moves between classes");
    std::vector<std::uint32_t> values = state_[id(edit.from)];
    std::erase_if(values, [&](std::uint32_t v) { return f_.vregs[v].width > edit.width; });
    write(edit.to, edit.width, std::move(values));
  }

  void execute_inst(std::uint32_t i) {
    const mir::Inst& inst = f_.insts[i];
    const auto operands = f_.operands_of(inst);
    const Location* at = r_.operands.data() + inst.operands;
    if (r_.dead[i]) return execute_dead(i);
    for (std::uint32_t k = 0; k < operands.size(); ++k) {
      check_constraint(i, k);
      if (is_use(operands[k]) && !holds(at[k], operands[k].vreg.index))
        fail(i, "operand " + number(k) + " reads " + to_string(at[k]) + ", which does not hold v" +
                    number(operands[k].vreg.index));
    }
    if (checking_) check_overlap(i);
    if (inst.flags & mir::kCall) collect_garbage(i);
    for (std::uint32_t reg = 0; reg < 32; ++reg)
      if (inst.clobbers.bits >> reg & 1) state_[reg].clear();
    for (std::uint32_t k = 0; k < operands.size(); ++k)
      if (!is_use(operands[k]) && at[k].is_reg()) state_[at[k].value].clear();
    for (std::uint32_t k = 0; k < operands.size(); ++k)
      if (!is_use(operands[k]) && at[k].is_reg()) state_[at[k].value] = {operands[k].vreg.index};
  }

  /// What a garbage collection in a call leaves: references in slots that its map does not name are stale,
  /// and those that it names must be references.
  void collect_garbage(std::uint32_t i) {
    const std::uint32_t map = r_.stack_map(i);
    std::vector<bool> named(state_.size(), false);
    if (map != kNoStackMap) {
      if (map >= maps_.size()) return fail(i, "its stack map does not exist");
      for (const std::uint32_t slot : maps_[map]) {
        const auto& set = state_[32 + slot / 8];
        named[32 + slot / 8] = true;
        if (r_.exact_maps &&
            std::none_of(set.begin(), set.end(), [&](std::uint32_t v) { return f_.vregs[v].traced; }))
          fail(i, "its stack map names slot " + number(slot) + ", which holds no reference");
      }
    }
    for (std::size_t at = 32; at < state_.size(); ++at)
      if (!named[at]) std::erase_if(state_[at], [&](std::uint32_t v) { return f_.vregs[v].traced; });
  }
  /// Writes the chains of differences out.
  std::string expand_maps() {
    std::vector<bool> in(r_.spill_bytes / 8, false);
    for (std::uint32_t m = 0; m < r_.maps.size(); ++m) {
      if (r_.maps[m].full) in.assign(in.size(), false);
      const std::uint32_t end = m + 1 < r_.maps.size() ? r_.maps[m + 1].first : r_.map_slots.size();
      for (std::uint32_t at = r_.maps[m].first; at < end; ++at) {
        const std::uint32_t slot = r_.map_slots[at];
        if (slot % 8 != 0 || slot / 8 >= in.size()) return "a stack map names a slot out of bounds";
        in[slot / 8] = !in[slot / 8];
      }
      maps_.emplace_back();
      for (std::uint32_t slot = 0; slot < in.size(); ++slot)
        if (in[slot]) maps_.back().push_back(slot * 8);
    }
    return {};
  }

  void execute_dead(std::uint32_t i) {
    const mir::Inst& inst = f_.insts[i];
    const auto operands = f_.operands_of(inst);
    if (!(inst.flags & mir::kMove)) {
      for (const Operand& operand : operands)
        if (is_use(operand) || !f_.vregs[operand.vreg.index].rematerializable)
          fail(i, "is deleted but has an effect");
      return;
    }
    if (operands.size() != 2 || r_.operands[inst.operands] != r_.operands[inst.operands + 1])
      return fail(i, "deleted move moves");
    const Location at = r_.operands[inst.operands];
    const std::uint32_t def = is_use(operands[0]) ? 1 : 0;
    if (!holds(at, operands[1 - def].vreg.index)) fail(i, "deleted move reads something else");
    if (!holds(at, operands[def].vreg.index)) state_[id(at)].push_back(operands[def].vreg.index);
  }

  void check_constraint(std::uint32_t i, std::uint32_t k) {
    const mir::Inst& inst = f_.insts[i];
    const Operand& operand = f_.operands[inst.operands + k];
    const Location at = r_.operands[inst.operands + k];
    if (!at.is_reg() && operand.constraint != Constraint::reg_or_slot)
      return fail(i, "operand " + number(k) + " is not in a register");
    if (!at.is_reg()) {
      if (!in_bounds(at, f_.vregs[operand.vreg.index].width)) fail(i, "operand's slot out of bounds");
      return;
    }
    if (at.preg().reg_class() != f_.vregs[operand.vreg.index].reg_class)
      fail(i, "operand " + number(k) + " has the wrong class");
    if (operand.constraint == Constraint::fixed) {
      if (at.preg() != operand.fixed) fail(i, "operand " + number(k) + " is not in its fixed register");
    } else if (operand.constraint == Constraint::reuse) {
      if (r_.operands[inst.operands + operand.fixed.number] != at)
        fail(i, "operand " + number(k) + " does not reuse its use's register");
    } else if (registers_ && !registers_->allocatable.contains(at.preg())) {
      fail(i, "operand " + number(k) + " is in a reserved register");
    }
  }

  /// Operands that must not share a register.
  void check_overlap(std::uint32_t i) {
    const mir::Inst& inst = f_.insts[i];
    const auto operands = f_.operands_of(inst);
    const Location* at = r_.operands.data() + inst.operands;
    for (std::uint32_t d = 0; d < operands.size(); ++d) {
      const Operand& def = operands[d];
      if (operands[d].role == Role::late_use && at[d].is_reg() && inst.clobbers.contains(at[d].preg()))
        fail(i, "late use is clobbered");
      if (is_use(def)) continue;
      const bool temporary = def.role == Role::early_def && !used_[def.vreg.index];
      if (def.constraint != Constraint::fixed && !temporary && inst.clobbers.contains(at[d].preg()))
        fail(i, "result is clobbered");
      for (std::uint32_t k = 0; k < operands.size(); ++k) {
        if (k == d || at[k] != at[d]) continue;
        const bool tied = def.constraint == Constraint::reuse && def.fixed.number == k;
        if (!is_use(operands[k]))
          fail(i, "two results in one register");
        else if (operands[k].role == Role::late_use)
          fail(i, "a late use shares a result's register");
        else if (def.role == Role::early_def && !tied)
          fail(i, "a use shares an early result's register");
      }
    }
  }

  // Between blocks.
  bool flow(const mir::EdgeData& edge) {
    const std::uint32_t to = edge.to.index;
    const mir::BlockData& target = f_.blocks[to];
    const auto params = f_.vregs_at(target.params, target.param_count);
    const auto args = f_.vregs_at(edge.args, edge.count);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> passed;  // (argument, parameter)
    for (std::uint32_t p = 0; p < params.size(); ++p) passed.push_back({args[p].index, params[p].index});
    std::sort(passed.begin(), passed.end());
    Facts facts;
    for (std::uint32_t l = 0; l < state_.size(); ++l)
      for (const std::uint32_t v : state_[l]) {
        // Values of an earlier iteration are unreachable: their definition does not dominate the target.
        if (strictly_dominates(def_block_[v], to)) facts.push_back({l, v});
        for (auto p = std::lower_bound(passed.begin(), passed.end(), std::pair(v, 0u));
             p != passed.end() && p->first == v; ++p)
          if (f_.vregs[p->second].width <= f_.vregs[v].width) facts.push_back({l, p->second});
      }
    std::sort(facts.begin(), facts.end());
    facts.erase(std::unique(facts.begin(), facts.end()), facts.end());
    if (!reached_[to]) {
      reached_[to] = true;
      entry_[to] = std::move(facts);
      return true;
    }
    Facts both;
    std::set_intersection(entry_[to].begin(), entry_[to].end(), facts.begin(), facts.end(),
                          std::back_inserter(both));
    if (both.size() == entry_[to].size()) return false;
    entry_[to] = std::move(both);
    return true;
  }

  void check_entry(std::uint32_t b) {
    for (std::uint32_t reg = 0; reg < 16; ++reg) {
      const mir::VReg v = r_.entry_gprs[b * 16 + reg];
      if (v.valid() && !holds(Location::reg(mir::gpr(static_cast<std::uint8_t>(reg))), v.index))
        fail(f_.blocks[b].first,
             "the block's entry claims v" + number(v.index) + " in a register that does not hold it");
    }
  }

  const mir::Function& f_;
  const Result& r_;
  const Registers* registers_;
  const std::uint32_t blocks_;
  std::vector<std::uint32_t> first_edit_, enter_, leave_, def_block_;
  std::vector<bool> used_, reached_;
  std::vector<std::vector<std::uint32_t>> state_, at_call_;
  std::vector<Facts> entry_;
  std::vector<std::vector<std::uint32_t>> maps_;  // by map: its slots
  bool checking_ = false;
  std::string error_;
};

}  // namespace

std::string check(const mir::Function& function, const Result& result, const Registers* registers) {
  return Checker(function, result, registers).run();
}

}  // namespace nebulet::wasm::regalloc
