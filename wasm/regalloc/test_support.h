// SPDX-License-Identifier: MIT
// Builds machine functions for the allocator's tests: blocks by hand or at random, finished into the form
// that the selector makes.
#pragma once

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "wasm/regalloc/mir.h"
#include "wasm/regalloc/regalloc.h"

namespace nebulet::wasm::regalloc::test {

using mir::Constraint;
using mir::Operand;
using mir::PReg;
using mir::PRegSet;
using mir::RegClass;
using mir::Role;

constexpr PReg kVecScratch = mir::vec(15);
constexpr Registers kRegisters = {{0xffffffffu & ~(1u << 4) & ~(1u << 15) & ~(1u << 31)}, kVecScratch};
constexpr PRegSet kAllRegisters = kRegisters.allocatable;
constexpr std::uint32_t kNoBlock = 0xffffffff;

/// A value of the function under construction.
using V = std::uint32_t;

inline Operand operand(V v, Constraint constraint, Role role, PReg fixed = {}) {
  return {mir::VReg(v), constraint, role, fixed};
}
inline Operand use(V v) { return operand(v, Constraint::reg, Role::use); }
inline Operand use_slot(V v) { return operand(v, Constraint::reg_or_slot, Role::use); }
inline Operand use_at(V v, PReg r) { return operand(v, Constraint::fixed, Role::use, r); }
inline Operand late_use(V v) { return operand(v, Constraint::reg, Role::late_use); }
inline Operand def(V v) { return operand(v, Constraint::reg, Role::def); }
inline Operand def_at(V v, PReg r) { return operand(v, Constraint::fixed, Role::def, r); }
inline Operand def_like(V v, std::uint8_t use_index) {
  return operand(v, Constraint::reuse, Role::def, PReg{use_index});
}
inline Operand early(V v) { return operand(v, Constraint::reg, Role::early_def); }
inline Operand early_at(V v, PReg r) { return operand(v, Constraint::fixed, Role::early_def, r); }

class Builder {
 public:
  explicit Builder(Arena& memory) : arena(memory), function(memory) {}

  V value(RegClass reg_class = RegClass::gpr, std::uint8_t width = 8) {
    function.vregs.push_back({reg_class, width, width == 4, false});
    return function.vregs.size() - 1;
  }
  V vec(std::uint8_t width = 16) { return value(RegClass::vec, width); }

  struct Edge {
    std::uint32_t to;
    std::vector<V> args;
  };
  struct TestInst {
    mir::Inst inst;
    std::vector<Operand> operands;
  };
  struct TestBlock {
    std::vector<TestInst> insts;
    std::vector<V> params;
    std::vector<Edge> succs;
    std::uint32_t loop = kNoBlock;
    std::uint32_t depth = 0;
    bool cold = false;
  };

  std::uint32_t block(std::uint32_t loop = kNoBlock, std::uint32_t depth = 0, bool cold = false) {
    blocks.push_back({});
    blocks.back().loop = loop;
    blocks.back().depth = depth;
    blocks.back().cold = cold;
    return static_cast<std::uint32_t>(blocks.size() - 1);
  }
  std::uint32_t loop_block(std::uint32_t depth) {
    const std::uint32_t b = block(kNoBlock, depth);
    blocks[b].loop = b;
    return b;
  }

  void inst(std::uint32_t b, std::vector<Operand> operands, std::uint8_t flags = 0, PRegSet clobbers = {}) {
    mir::Inst i;
    i.flags = flags;
    i.clobbers = clobbers;
    blocks[b].insts.push_back({i, std::move(operands)});
  }
  V constant(std::uint32_t b, RegClass reg_class = RegClass::gpr, std::uint8_t width = 8) {
    const V v = value(reg_class, width);
    function.vregs[v].rematerializable = true;
    inst(b, {def(v)});
    return v;
  }
  V add(std::uint32_t b, V x, V y) {  // two-address, commutative
    const V v = value(function.vregs[x].reg_class, function.vregs[x].width);
    inst(b, {use(x), use_slot(y), def_like(v, 0)}, mir::kCommutative);
    return v;
  }
  V lea(std::uint32_t b, V x, V y) {
    const V v = value();
    inst(b, {use(x), use(y), def(v)});
    return v;
  }
  V call(std::uint32_t b, const std::vector<V>& args) {
    std::vector<Operand> operands;
    for (std::uint8_t i = 0; i < args.size(); ++i)
      operands.push_back(use_at(args[i], mir::gpr(i < 4 ? i : i + 1)));
    const V v = value();
    operands.push_back(def_at(v, mir::gpr(0)));
    inst(b, operands, mir::kCall, kAllRegisters);
    return v;
  }
  void arguments(std::uint32_t b, const std::vector<V>& values) {
    std::vector<Operand> operands;
    std::uint8_t gprs = 0, vecs = 0;
    for (const V v : values)
      operands.push_back(def_at(v, function.vregs[v].reg_class == RegClass::gpr
                                       ? mir::gpr(gprs < 4 ? gprs++ : 1 + gprs++)
                                       : mir::vec(vecs++)));
    inst(b, operands);
  }
  void jump(std::uint32_t b, std::uint32_t to, std::vector<V> args = {}) {
    inst(b, {}, mir::kTerminator);
    blocks[b].succs.push_back({to, std::move(args)});
  }
  void branch(std::uint32_t b, V x, V y, std::uint32_t yes, std::uint32_t no) {
    inst(b, {use(x), use_slot(y)}, mir::kTerminator);
    blocks[b].succs = {{yes, {}}, {no, {}}};
  }
  void ret(std::uint32_t b, V v) {
    inst(b, {use_at(v, function.vregs[v].reg_class == RegClass::gpr ? mir::gpr(0) : mir::vec(0))},
         mir::kTerminator);
  }

  /// Lays the blocks out (cold ones last) and fills the function. `index[b]` is then the block's number.
  mir::Function& finish() {
    const std::uint32_t n = static_cast<std::uint32_t>(blocks.size());
    index.assign(n, 0);
    std::vector<std::uint32_t> layout;
    for (const bool cold : {false, true})
      for (std::uint32_t b = 0; b < n; ++b)
        if (blocks[b].cold == cold) {
          index[b] = static_cast<std::uint32_t>(layout.size());
          layout.push_back(b);
        }
    std::vector<std::vector<std::uint32_t>> preds(n);
    for (const std::uint32_t b : layout)
      for (const Edge& edge : blocks[b].succs) preds[edge.to].push_back(b);
    const std::vector<std::uint32_t> idom = dominators(preds);
    for (const std::uint32_t b : layout) {
      TestBlock& from = blocks[b];
      mir::BlockData data;
      data.first = function.insts.size();
      data.count = static_cast<std::uint32_t>(from.insts.size());
      for (TestInst& i : from.insts) {
        i.inst.operands = function.operands.size();
        i.inst.operand_count = static_cast<std::uint8_t>(i.operands.size());
        for (const Operand& o : i.operands) function.operands.push_back(o);
        function.insts.push_back(i.inst);
      }
      data.params = function.pool.size();
      data.param_count = static_cast<std::uint32_t>(from.params.size());
      for (const V v : from.params) function.pool.push_back(v);
      data.preds = function.pool.size();
      data.pred_count = static_cast<std::uint32_t>(preds[b].size());
      for (const std::uint32_t p : preds[b]) function.pool.push_back(index[p]);
      data.succs = function.edges.size();
      data.succ_count = static_cast<std::uint32_t>(from.succs.size());
      for (const Edge& edge : from.succs) {
        function.edges.push_back(
            {mir::Block(index[edge.to]), function.pool.size(), static_cast<std::uint32_t>(edge.args.size())});
        for (const V v : edge.args) function.pool.push_back(v);
      }
      data.idom = b == 0 ? mir::Block() : mir::Block(index[idom[b]]);
      data.loop_header = from.loop == kNoBlock ? mir::Block() : mir::Block(index[from.loop]);
      data.loop_depth = from.depth;
      data.cold = from.cold;
      function.blocks.push_back(data);
    }
    return function;
  }

  Arena& arena;
  mir::Function function;
  std::vector<TestBlock> blocks;
  std::vector<std::uint32_t> index;

 private:
  std::vector<std::uint32_t> dominators(const std::vector<std::vector<std::uint32_t>>& preds) const {
    const std::uint32_t n = static_cast<std::uint32_t>(blocks.size());
    std::vector<std::uint32_t> post(n, kNoBlock), order;
    std::vector<std::pair<std::uint32_t, std::size_t>> stack = {{0, 0}};
    std::vector<bool> seen(n, false);
    seen[0] = true;
    while (!stack.empty()) {
      auto& [b, next] = stack.back();
      if (next == blocks[b].succs.size()) {
        post[b] = static_cast<std::uint32_t>(order.size());
        order.push_back(b);
        stack.pop_back();
        continue;
      }
      const std::uint32_t to = blocks[b].succs[next++].to;
      if (!seen[to]) seen[to] = true, stack.push_back({to, 0});
    }
    std::vector<std::uint32_t> idom(n, kNoBlock);
    idom[0] = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = order.size(); i-- > 0;) {
        const std::uint32_t b = order[i];
        if (b == 0) continue;
        std::uint32_t common = kNoBlock;
        for (std::uint32_t p : preds[b]) {
          if (idom[p] == kNoBlock) continue;
          if (common == kNoBlock) common = p;
          while (common != p) {
            while (post[common] < post[p]) common = idom[common];
            while (post[p] < post[common]) p = idom[p];
          }
        }
        if (idom[b] != common) idom[b] = common, changed = true;
      }
    }
    return idom;
  }
};

/// What a random function is made of.
struct RandomShape {
  std::uint32_t size = 60;  ///< statements, about
  std::uint32_t depth = 4;
  std::uint32_t arguments = 4;
  std::uint32_t reach = 12;  ///< how many of the youngest values an operand is chosen from
  std::uint32_t calls = 6;   ///< of 100 instructions
  std::uint32_t fixed = 8;
  std::uint32_t vectors = 25;  ///< of 100 values
};

class RandomFunction {
 public:
  RandomFunction(Builder& builder, std::uint64_t seed, RandomShape shape)
      : b_(builder), random_(seed), shape_(shape) {}

  void build() {
    at_ = b_.block();
    std::vector<V> args;
    for (std::uint32_t i = 0; i < shape_.arguments; ++i) args.push_back(random_value());
    b_.arguments(at_, args);
    scope_ = args;
    budget_ = shape_.size;
    while (budget_ > 0) region(0);
    b_.ret(at_, pick(chance(50) ? RegClass::gpr : RegClass::vec));
  }

 private:
  struct Target {  // where a break may go
    std::uint32_t block;
    std::size_t scope;
    std::vector<V> params;
  };

  bool chance(std::uint32_t percent) { return random_() % 100 < percent; }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  RegClass random_class() { return chance(shape_.vectors) ? RegClass::vec : RegClass::gpr; }
  V random_value(RegClass c) {
    if (c == RegClass::vec) return b_.vec(chance(30) ? 16 : chance(50) ? 8 : 4);
    return b_.value(c, chance(50) ? 4 : 8);
  }
  V random_value() { return random_value(random_class()); }
  /// Adds to the scope.
  V fresh(RegClass c) { return random_value(c); }
  void publish(V v) { scope_.push_back(v); }

  V pick(RegClass c, std::uint8_t width = 0) {
    for (int attempt = 0; attempt < 12 && !scope_.empty(); ++attempt) {
      const std::size_t reach =
          chance(15) ? scope_.size() : std::min<std::size_t>(scope_.size(), shape_.reach);
      const V v = scope_[scope_.size() - 1 - below(static_cast<std::uint32_t>(reach))];
      const mir::VRegInfo& info = b_.function.vregs[v];
      if (info.reg_class == c && (width == 0 || info.width == width)) return v;
    }
    const V v = width ? b_.value(c, width) : random_value(c);
    if (chance(60)) b_.function.vregs[v].rematerializable = true;
    b_.inst(at_, {def(v)});
    publish(v);
    return v;
  }
  V pick_like(V v) { return pick(b_.function.vregs[v].reg_class, b_.function.vregs[v].width); }
  V same(V v) { return b_.value(b_.function.vregs[v].reg_class, b_.function.vregs[v].width); }

  void statement() {
    if (budget_ > 0) --budget_;
    const RegClass c = random_class();
    const std::uint32_t kind = below(100);
    if (kind < shape_.calls) return call();
    if (kind < shape_.calls + shape_.fixed) return constrained();
    switch (below(9)) {
      case 0: {
        const V x = pick(c), y = pick_like(x), v = same(x);
        b_.inst(at_, {use(x), chance(60) ? use_slot(y) : use(y), def_like(v, 0)},
                chance(60) ? mir::kCommutative : 0);
        return publish(v);
      }
      case 1: {
        const V x = pick(c), y = pick(random_class()), v = fresh(c);
        b_.inst(at_, {use(x), use_slot(y), def(v)});
        return publish(v);
      }
      case 2: {
        const V x = pick(RegClass::gpr), v = fresh(c);
        b_.inst(at_, {use(x), def(v)});
        return publish(v);
      }
      case 3: {
        const V x = pick(c), v = same(x);
        b_.inst(at_, {use(x), def(v)}, mir::kMove);
        return publish(v);
      }
      case 4: {
        const V x = pick(RegClass::gpr), y = pick(RegClass::gpr), z = pick(c);
        return b_.inst(at_, {use(x), use(y), use(z)});
      }
      case 5: {  // early results and temporaries
        const V x = pick(c), y = pick(RegClass::gpr), v = fresh(c), t = fresh(RegClass::gpr);
        std::vector<Operand> operands = {use(x), use(y), early(v), early(t)};
        if (chance(50)) operands[0].role = Role::late_use;
        b_.inst(at_, operands);
        return publish(v);
      }
      case 6: {  // two-address with an early result
        const V x = pick(c), y = pick_like(x), v = same(x);
        Operand tied = def_like(v, 0);
        tied.role = Role::early_def;
        b_.inst(at_, {use(x), use(y), tied});
        return publish(v);
      }
      case 7: {
        const V v = fresh(c);
        b_.function.vregs[v].rematerializable = chance(70);
        b_.inst(at_, {def(v)});
        return publish(v);
      }
      default: {
        const V x = pick(c), y = pick(c), v = fresh(c), w = fresh(c);
        b_.inst(at_, {use(x), operand(y, Constraint::reg, chance(50) ? Role::late_use : Role::use), def(v),
                      def(w)});
        publish(v);
        if (chance(70)) publish(w);
      }
    }
  }

  void call() {
    std::vector<Operand> operands;
    std::uint8_t gprs = 0, vecs = 0;
    const bool indirect = chance(30);
    for (std::uint32_t i = below(8); i > 0; --i) {
      const V v = pick(random_class());
      const bool vec = b_.function.vregs[v].reg_class == RegClass::vec;
      operands.push_back(use_at(v, vec ? mir::vec(vecs++) : mir::gpr(gprs < 4 ? gprs++ : 1 + gprs++)));
    }
    if (indirect) operands.push_back(use(pick(RegClass::gpr)));
    if (indirect)
      for (const std::uint8_t r : {10, 11}) operands.push_back(early_at(b_.value(), mir::gpr(r)));
    const V v = random_value();
    const bool has_result = chance(70);
    if (has_result)
      operands.push_back(
          def_at(v, b_.function.vregs[v].reg_class == RegClass::gpr ? mir::gpr(0) : mir::vec(0)));
    b_.inst(at_, operands, mir::kCall, kAllRegisters);
    if (has_result && chance(80)) publish(v);
  }

  void constrained() {
    switch (below(6)) {
      case 0: {  // division
        const V x = pick(RegClass::gpr), y = pick(RegClass::gpr), q = fresh(RegClass::gpr),
                r = fresh(RegClass::gpr);
        b_.inst(at_, {use_at(x, mir::gpr(0)), use_slot(y), def_at(q, mir::gpr(0)), early_at(r, mir::gpr(2))});
        publish(chance(50) ? q : r);
        return;
      }
      case 1: {  // shift by cl
        const V x = pick(RegClass::gpr), y = pick(RegClass::gpr), v = same(x);
        b_.inst(at_, {use(x), use_at(y, mir::gpr(1)), def_like(v, 0)});
        return publish(v);
      }
      case 2: {  // some registers lost
        const V x = pick(RegClass::gpr), v = fresh(RegClass::vec);
        PRegSet lost;
        for (const std::uint8_t r : {0, 1, 6, 7, 16, 17, 18}) lost.insert(PReg{r});
        b_.inst(at_, {chance(50) ? use(x) : late_use(x), def(v)}, 0, lost);
        return publish(v);
      }
      case 3: {  // compare and exchange: the result is tied to a fixed use
        const V x = pick(RegClass::gpr), y = pick(RegClass::gpr), z = pick(RegClass::gpr), v = same(x);
        b_.inst(at_, {use_at(x, mir::gpr(0)), use(y), use(z), def_like(v, 0)});
        return publish(v);
      }
      case 4: {
        const V x = pick(RegClass::gpr), y = pick(RegClass::gpr), v = same(x), t = fresh(RegClass::gpr);
        PRegSet lost;
        for (const std::uint8_t r : {1, 3, 5}) lost.insert(PReg{r});
        b_.inst(at_, {use(x), use(y), def_like(v, 0), early(t)}, mir::kCommutative, lost);
        return publish(v);
      }
      default: {  // a copy into or out of a fixed register
        const V x = pick(RegClass::gpr), v = same(x);
        const PReg r = mir::gpr(static_cast<std::uint8_t>(below(4)));
        b_.inst(at_, {chance(50) ? use(x) : use_at(x, r), chance(50) ? def(v) : def_at(v, r)}, mir::kMove);
        return publish(v);
      }
    }
  }

  std::uint32_t new_block(bool cold = false) { return b_.block(loop_, loop_depth_, cold || cold_); }

  std::vector<V> args_for(const std::vector<V>& params) {
    std::vector<V> args;
    for (const V p : params) args.push_back(pick_like(p));
    return args;
  }
  std::vector<V> some_params() {
    std::vector<V> params;
    for (std::uint32_t i = chance(15) ? below(24) : below(4); i > 0; --i) params.push_back(random_value());
    return params;
  }
  void branch(std::uint32_t yes, std::uint32_t no) {
    b_.branch(at_, pick(RegClass::gpr), pick(RegClass::gpr), yes, no);
  }

  void body(std::uint32_t depth) {
    for (std::uint32_t i = 1 + below(3); i > 0; --i) region(depth);
  }

  void region(std::uint32_t depth) {
    for (std::uint32_t i = below(8); i > 0; --i) statement();
    if (budget_ == 0 || depth >= shape_.depth) return statement();
    switch (below(5)) {
      case 0: return diamond(depth);
      case 1: return loop(depth);
      case 2: return breakable(depth);
      case 3: return table(depth);
      default: return maybe_break();
    }
  }

  void diamond(std::uint32_t depth) {
    const std::size_t scope = scope_.size();
    const bool cold_before = cold_;
    const bool cold_arm = chance(40);
    const std::uint32_t yes = new_block(cold_arm), no = new_block(), join = new_block();
    branch(yes, no);
    const std::vector<V> params = some_params();
    b_.blocks[join].params = params;
    at_ = yes;
    cold_ |= cold_arm;
    body(depth + 1);
    b_.jump(at_, join, args_for(params));
    cold_ = cold_before;
    scope_.resize(scope);
    at_ = no;
    if (chance(60)) body(depth + 1);
    b_.jump(at_, join, args_for(params));
    scope_.resize(scope);
    at_ = join;
    scope_.insert(scope_.end(), params.begin(), params.end());
  }

  void loop(std::uint32_t depth) {
    if (cold_) return statement();
    const std::size_t scope = scope_.size();
    const std::uint32_t outer = loop_;
    const std::vector<V> params = some_params(), results = some_params();
    const std::vector<V> initial = args_for(params);
    const std::uint32_t header = b_.loop_block(loop_depth_ + 1);
    b_.blocks[header].params = params;
    b_.jump(at_, header, initial);
    const std::size_t inside = scope_.size();
    const std::uint32_t join = new_block();  // belongs to the surrounding loop
    b_.blocks[join].params = results;
    loop_ = header;
    ++loop_depth_;
    at_ = header;
    scope_.insert(scope_.end(), params.begin(), params.end());
    targets_.push_back({join, inside, results});
    body(depth + 1);
    targets_.pop_back();
    const std::uint32_t back = new_block();
    loop_ = outer;
    --loop_depth_;
    const std::uint32_t leave = new_block();
    branch(back, leave);
    const std::vector<V> visible = scope_;
    at_ = back;
    b_.jump(at_, header, args_for(params));
    scope_ = visible;
    at_ = leave;
    b_.jump(at_, join, args_for(results));
    scope_.resize(inside);
    (void)scope;
    scope_.insert(scope_.end(), results.begin(), results.end());
    at_ = join;
  }

  void breakable(std::uint32_t depth) {
    const std::size_t scope = scope_.size();
    const std::vector<V> results = some_params();
    const std::uint32_t join = new_block();
    b_.blocks[join].params = results;
    targets_.push_back({join, scope, results});
    body(depth + 1);
    targets_.pop_back();
    b_.jump(at_, join, args_for(results));
    scope_.resize(scope);
    scope_.insert(scope_.end(), results.begin(), results.end());
    at_ = join;
  }

  void table(std::uint32_t depth) {
    const std::size_t scope = scope_.size();
    const std::vector<V> results = some_params();
    const std::uint32_t join = new_block(), arms = 2 + below(4);
    b_.blocks[join].params = results;
    std::vector<Builder::Edge> edges;
    for (std::uint32_t i = 0; i < arms; ++i) edges.push_back({new_block(chance(20)), {}});
    b_.inst(at_, {use(pick(RegClass::gpr)), early(b_.value()), early(b_.value())}, mir::kTerminator);
    b_.blocks[at_].succs = edges;
    const std::vector<V> visible = scope_;
    const bool cold_before = cold_;
    for (const Builder::Edge& edge : edges) {
      scope_ = visible;
      at_ = edge.to;
      cold_ = cold_before || b_.blocks[at_].cold;
      if (chance(50)) body(depth + 1);
      b_.jump(at_, join, args_for(results));
    }
    cold_ = cold_before;
    scope_.resize(scope);
    scope_.insert(scope_.end(), results.begin(), results.end());
    at_ = join;
  }

  void maybe_break() {
    if (targets_.empty() || cold_) return statement();
    const Target target = targets_[below(static_cast<std::uint32_t>(targets_.size()))];
    const std::uint32_t out =
        b_.block(b_.blocks[target.block].loop, b_.blocks[target.block].depth, chance(30));
    const std::uint32_t on = new_block();
    branch(out, on);
    const std::vector<V> visible = scope_;
    at_ = out;
    b_.jump(at_, target.block, args_for(target.params));
    scope_ = visible;
    at_ = on;
  }

  Builder& b_;
  std::mt19937_64 random_;
  RandomShape shape_;
  std::uint32_t at_ = 0, budget_ = 0;
  std::uint32_t loop_ = kNoBlock, loop_depth_ = 0;
  bool cold_ = false;
  std::vector<V> scope_;
  std::vector<Target> targets_;
};

}  // namespace nebulet::wasm::regalloc::test
