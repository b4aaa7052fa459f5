// SPDX-License-Identifier: MIT
#include "wasm/frontend/ssa.h"

#include <cstring>

namespace nebulet::wasm {

using ir::Block;
using ir::Edge;
using ir::Op;
using ir::Type;
using ir::Value;

namespace {
constexpr std::uint64_t kEntryCost = 5, kParamCost = 16;  // as kInstCost
}  // namespace

SsaBuilder::SsaBuilder(const Module& module, ir::Function& function, Fuel& fuel)
    : module_(module),
      f_(function),
      fuel_(fuel),
      slots_(*function.arena),
      entries_(*function.arena),
      assigned_(*function.arena),
      chain_(*function.arena),
      blocks_(*function.arena),
      edges_(*function.arena),
      edge_args_(*function.arena),
      params_(*function.arena),
      param_args_(*function.arena),
      users_(*function.arena),
      work_(*function.arena) {}

void SsaBuilder::begin(const Locals& locals, std::span<const ValType> params) {
  locals_ = &locals;
  dense_slots_ = locals.dense_size();
  slots_.reserve(dense_slots_);
  for (std::uint32_t i = 0; i < dense_slots_; ++i) slots_.push_back({.type = ir_type(locals[i], module_)});
  start(make_block());
  ir::BlockData& entry = f_[current_];
  entry.params = f_.pool.size();
  entry.param_count = static_cast<std::uint32_t>(params.size());
  for (std::uint32_t i = 0; i < params.size(); ++i) {
    const Value value = f_.add({.op = Op::param, .type = ir_type(params[i], module_), .imm = i}, position_);
    f_.pool.push_back(value.index);
    assign(slot_of(i), value, Block::none());
  }
}

Block SsaBuilder::make_block() {
  fuel_.spend(kBlockCost);
  f_.blocks.push_back({});
  blocks_.push_back({});
  return Block(f_.blocks.size() - 1);
}

void SsaBuilder::start(Block block) {
  current_ = block;
  f_[block].first = f_.order.size();
}

Value SsaBuilder::emit(const ir::Inst& inst) {
  fuel_.spend(kInstCost + (inst.op == Op::vconst ? 0 : inst.count));
  const Value value = f_.add(inst, position_);
  f_.order.push_back(value);
  f_[current_].count++;
  return value;
}

Edge SsaBuilder::make_edge(Block to, std::span<const Value> args) {
  fuel_.spend(kEdgeCost + args.size());
  const auto count = static_cast<std::uint32_t>(args.size());
  f_.edges.push_back({.from = current_, .args = edge_args_.size(), .count = count});
  edge_args_.append(args);
  edges_.push_back({.time = time(), .next = Edge::none()});
  last_edge_time_ = time();
  const Edge edge(f_.edges.size() - 1);
  if (to.valid()) set_target(edge, to);
  return edge;
}

void SsaBuilder::set_target(Edge edge, Block to) {
  f_[edge].to = to;
  BlockState& target = blocks_[to.index];
  if (target.edges++ == 0)
    target.first_edge = edge;
  else
    edges_[target.last_edge.index].next = edge;
  target.last_edge = edge;
}

Value SsaBuilder::add_stack_param(Block block, Type type, std::uint32_t index) {
  return params_[add_param(block, type, index)].value;
}

std::uint32_t SsaBuilder::add_param(Block block, Type type, std::uint32_t source) {
  fuel_.spend(kParamCost);
  const std::uint32_t number = params_.size();
  const Value value = f_.add({.op = Op::param, .type = type, .args = number, .count = 1}, position_);
  params_.push_back({.value = value, .block = block, .source = source});
  BlockState& state = blocks_[block.index];
  if (state.first_param == kNone)
    state.first_param = number;
  else
    params_[state.last_param].next = number;
  state.last_param = number;
  return number;
}

std::uint32_t SsaBuilder::sparse_slot(std::uint32_t local) {
  const auto [at, is_new] = sparse_.try_emplace(local, slots_.size());
  if (is_new) {
    fuel_.spend(kEntryCost);
    slots_.push_back({.type = ir_type((*locals_)[local], module_)});
  }
  return at->second;
}

void SsaBuilder::assign(std::uint32_t slot, Value value, Block merge) {
  const std::uint32_t previous = slots_[slot].latest;
  if (previous != kInitial && previous >= last_edge_time_) {  // no edge saw it: it needs no place in history
    entries_[previous].value = value;
    entries_[previous].merge = merge;
    return;
  }
  fuel_.spend(kEntryCost);
  Entry entry{.previous = previous, .jump = previous, .depth = 1, .value = value, .merge = merge};
  if (previous != kInitial) {
    const auto depth_of = [&](std::uint32_t e) { return e == kInitial ? 0 : entries_[e].depth; };
    entry.depth = entries_[previous].depth + 1;
    const std::uint32_t jump = entries_[previous].jump;
    const std::uint32_t jump_again = jump == kInitial ? kInitial : entries_[jump].jump;
    if (depth_of(previous) - depth_of(jump) == depth_of(jump) - depth_of(jump_again)) entry.jump = jump_again;
  }
  slots_[slot].latest = entries_.size();
  entries_.push_back(entry);
}

/// The last assignment of `slot` that an edge of that time sees.
std::uint32_t SsaBuilder::entry_before(std::uint32_t slot, std::uint32_t time) const {
  std::uint32_t e = slots_[slot].latest;
  while (e != kInitial && e >= time) {
    const std::uint32_t jump = entries_[e].jump;
    e = jump != kInitial && jump >= time ? jump : entries_[e].previous;
  }
  return e;
}

void SsaBuilder::merge_locals(Block block) {
  const BlockState& state = blocks_[block.index];
  std::uint32_t earliest = time();
  for (Edge e = state.first_edge; e.valid(); e = edges_[e.index].next)
    if (edges_[e.index].time < earliest) earliest = edges_[e.index].time;
  fuel_.spend(assigned_.size() - scope_);
  // The scope's stretch is freed of repetitions on the way; a repetition is one whose marker points to what
  // is kept.
  std::uint32_t kept = scope_;
  for (std::uint32_t i = scope_; i < assigned_.size(); ++i) {
    const std::uint32_t slot = assigned_[i];
    SlotState& s = slots_[slot];
    if (s.marker >= scope_ && s.marker < kept && assigned_[s.marker] == slot) continue;
    s.marker = kept;
    assigned_[kept++] = slot;
    if (s.latest != kInitial && s.latest >= earliest) assign(slot, Value::none(), block);
  }
  assigned_.resize(kept);
}

void SsaBuilder::open_loop(Block header, std::span<const std::uint32_t> locals) {
  blocks_[header.index].open = true;
  if (!fuel_.spend(locals.size())) return;
  for (const std::uint32_t local : locals) {
    if (local >= locals_->size()) return;  // invalid; the walk will say so
    const std::uint32_t slot = slot_of(local);
    const std::uint32_t latest = slots_[slot].latest;
    if (latest != kInitial && entries_[latest].merge == header) continue;
    note_assigned(slot);
    assign(slot, Value::none(), header);
  }
}

void SsaBuilder::close_loop(Block header) {
  BlockState& state = blocks_[header.index];
  state.open = false;
  for (std::uint32_t p = state.deferred; p != kNone;) {
    const std::uint32_t next = params_[p].waiting;
    params_[p].waiting = queue_;
    queue_ = p;
    p = next;
  }
  state.deferred = kNone;
  drain();
}

Value SsaBuilder::read_slow(std::uint32_t slot) {
  const std::uint32_t entry = slots_[slot].latest;
  if (entry == kInitial) return zero(slots_[slot].type);
  const Value value = resolve(slot, entry);
  drain();
  return value;
}

/// The value of an entry; makes the parameter that merges it if there is need of one. Its arguments come
/// later, in `drain`, which keeps the depth of calls constant.
Value SsaBuilder::resolve(std::uint32_t slot, std::uint32_t entry) {
  chain_.clear();
  Value value;
  for (;;) {
    if (entry == kInitial) {
      value = zero(slots_[slot].type);
      break;
    }
    const Block merge = entries_[entry].merge;
    if (!merge.valid()) {
      value = entries_[entry].value;
      break;
    }
    const std::uint32_t common = common_entry(slot, entry, merge);
    chain_.push_back(entry);
    if (common != kDiffers) {
      entry = common;
      continue;
    }
    const std::uint32_t param = add_param(merge, slots_[slot].type, slot);
    params_[param].is_stack = false;
    std::uint32_t& list = blocks_[merge.index].open ? blocks_[merge.index].deferred : queue_;
    params_[param].waiting = list;
    list = param;
    value = params_[param].value;
    break;
  }
  for (const std::uint32_t e : chain_) {
    entries_[e].value = value;
    entries_[e].merge = Block::none();
  }
  return value;
}

/// The entry that all edges of `block` bring, other than `self` around a loop; or kDiffers. It is older than
/// `self`.
std::uint32_t SsaBuilder::common_entry(std::uint32_t slot, std::uint32_t self, Block block) {
  const BlockState& state = blocks_[block.index];
  if (state.open) return kDiffers;
  if (!fuel_.spend(state.edges)) return kDiffers;
  std::uint32_t common = self, last_time = kNone;
  for (Edge e = state.first_edge; e.valid(); e = edges_[e.index].next) {
    if (edges_[e.index].time == last_time) continue;  // the edges of a br_table
    last_time = edges_[e.index].time;
    const std::uint32_t found = entry_before(slot, last_time);
    if (found == self || found == common) continue;
    if (common != self) return kDiffers;
    common = found;
  }
  return common;
}

void SsaBuilder::drain() {
  while (queue_ != kNone) {
    const std::uint32_t param = queue_;
    queue_ = params_[param].waiting;
    fill(param);
  }
}

void SsaBuilder::fill(std::uint32_t param) {
  const Block block = params_[param].block;
  const std::uint32_t slot = params_[param].source;
  const std::uint32_t first = param_args_.size();
  params_[param].args = first;
  if (!fuel_.spend(blocks_[block.index].edges)) return;
  param_args_.resize(first + blocks_[block.index].edges);
  std::uint32_t number = 0;
  for (Edge e = blocks_[block.index].first_edge; e.valid(); e = edges_[e.index].next)
    param_args_[first + number++] = resolve(slot, entry_before(slot, edges_[e.index].time));
}

Value SsaBuilder::zero(Type type) {
  Value& value = zeros_[static_cast<std::size_t>(type)];
  if (value.valid()) return value;
  ir::Inst inst{.op = Op::iconst, .type = type, .imm = 0};
  if (type == Type::f32 || type == Type::f64) inst.op = Op::fconst;
  if (type == Type::v128) inst.op = Op::vconst;
  return value = f_.add(inst, f_.positions.empty() ? position_ : f_.positions[0]);
}

void SsaBuilder::finish() {
  remove_redundant_params();
  mark_live_params();
  place_constants();
  write_edges();
}

/// What `v` was replaced by, if it was.
Value SsaBuilder::resolved(Value v) {
  if (f_[v].op != Op::copy) return v;
  Value end = v;
  while (f_[end].op == Op::copy) end = f_[end].a;
  while (f_[v].op == Op::copy) {
    const Value next = f_[v].a;
    f_[v].a = end;
    v = next;
  }
  return end;
}

void SsaBuilder::for_each_argument(const Param& param, auto visit) {
  std::uint32_t number = 0;
  for (Edge e = blocks_[param.block.index].first_edge; e.valid(); e = edges_[e.index].next)
    if (!visit(argument(param, e, number++))) return;
}

void SsaBuilder::add_user(std::uint32_t param, std::uint32_t user) {
  const std::uint32_t node = users_.size();
  users_.push_back({user, kNone});
  Param& p = params_[param];
  if (p.users == kNone)
    p.users = node;
  else
    users_[p.last_user].next = node;
  p.last_user = node;
}

/// The value that a parameter always has, or none.
Value SsaBuilder::only_argument(const Param& param) {
  Value only;
  bool differs = false;
  for_each_argument(param, [&](Value argument) {
    const Value v = resolved(argument);
    if (v == param.value || v == only) return true;
    differs = only.valid();
    only = v;
    return !differs;
  });
  return differs ? Value::none() : only;
}

/// Braun et al., section 3.1: a parameter whose arguments are all the same or itself is that argument. An
/// improvement only: it ends early where it would not stay linear.
void SsaBuilder::remove_redundant_params() {
  for (std::uint32_t p = 0; p < params_.size(); ++p) {
    for_each_argument(params_[p], [&](Value v) {
      if (is_param(v) && v != params_[p].value) add_user(f_[v].args, p);
      return true;
    });
  }
  work_.clear();
  for (std::uint32_t p = params_.size(); p-- > 0;) {
    work_.push_back(p);
    params_[p].queued = true;
  }
  while (!work_.empty()) {
    const std::uint32_t number = work_.back();
    work_.pop_back();
    Param& param = params_[number];
    param.queued = false;
    if (f_[param.value].op == Op::copy) continue;
    if (fuel_.left() < blocks_[param.block.index].edges) return;
    fuel_.spend(1);
    const Value only = only_argument(param);
    if (!only.valid()) continue;
    for (std::uint32_t u = param.users; u != kNone; u = users_[u].next) {
      if (params_[users_[u].param].queued) continue;
      params_[users_[u].param].queued = true;
      work_.push_back(users_[u].param);
    }
    if (is_param(only) && param.users != kNone) {
      Param& heir = params_[f_[only].args];
      if (heir.users == kNone)
        heir.users = param.users;
      else
        users_[heir.last_user].next = param.users;
      heir.last_user = param.last_user;
    }
    ir::Inst& inst = f_[param.value];
    inst.op = Op::copy;
    inst.a = only;
    inst.args = inst.count = 0;
  }
}

void SsaBuilder::mark(Value& operand) {
  operand = resolved(operand);
  const ir::Inst& inst = f_[operand];
  if (is_param(operand)) {
    if (params_[inst.args].live) return;
    params_[inst.args].live = true;
    work_.push_back(inst.args);
  } else if (zeros_[static_cast<std::size_t>(inst.type)] == operand) {
    zero_used_[static_cast<std::size_t>(inst.type)] = true;
  }
}

/// Parameters that no instruction needs, directly or through other parameters, are left out.
void SsaBuilder::mark_live_params() {
  work_.clear();
  for (const Value v : f_.order) {
    ir::Inst& inst = f_[v];
    const unsigned operands = info(inst.op).operands;
    if (operands > 0) mark(inst.a);
    if (operands > 1) mark(inst.b);
    if (operands > 2) mark(inst.c);
    if (ir::has_operand_list(inst.op))
      for (Value& arg : f_.values(inst.args, inst.count)) mark(arg);
  }
  while (!work_.empty()) {
    const std::uint32_t number = work_.back();
    work_.pop_back();
    for_each_argument(params_[number], [&](Value v) {
      mark(v);
      return true;
    });
  }
}

/// The default values that are needed go to the front of the entry block.
void SsaBuilder::place_constants() {
  Value constants[8];
  std::uint32_t n = 0;
  for (std::size_t t = 0; t < 8; ++t)
    if (zero_used_[t]) constants[n++] = zeros_[t];
  if (n == 0) return;
  const std::uint32_t size = f_.order.size();
  f_.order.resize(size + n);
  std::memmove(f_.order.data() + n, f_.order.data(), size * sizeof(Value));
  std::memcpy(f_.order.data(), constants, n * sizeof(Value));
  for (std::uint32_t b = 1; b < f_.blocks.size(); ++b) f_.blocks[b].first += n;
  f_.blocks[0].count += n;
}

void SsaBuilder::write_edges() {
  for (std::uint32_t b = 1; b < f_.blocks.size(); ++b) {
    const BlockState& state = blocks_[b];
    ir::BlockData& block = f_.blocks[b];
    const auto each_live = [&](auto visit) {
      for (std::uint32_t p = state.first_param; p != kNone; p = params_[p].next)
        if (params_[p].live && f_[params_[p].value].op == Op::param) visit(params_[p]);
    };
    block.params = f_.pool.size();
    each_live([&](const Param& param) {
      f_[param.value].imm = block.param_count++;
      f_.pool.push_back(param.value.index);
    });
    std::uint32_t number = 0;
    for (Edge e = state.first_edge; e.valid(); e = edges_[e.index].next, ++number) {
      const std::uint32_t args = f_.pool.size();
      each_live([&](const Param& param) { f_.pool.push_back(resolved(argument(param, e, number)).index); });
      f_[e].args = args;
      f_[e].count = block.param_count;
    }
  }
  for (Param& param : params_) {
    ir::Inst& inst = f_[param.value];
    inst.args = inst.count = 0;
    if (!param.live && inst.op == Op::param) inst = {};
  }
}

}  // namespace nebulet::wasm
