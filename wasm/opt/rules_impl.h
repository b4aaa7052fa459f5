// SPDX-License-Identifier: MIT
// The bodies of opt::Rules. Included by rules.h only.
#pragma once

#include <algorithm>
#include <bit>

#include "wasm/opt/fold.h"
#include "wasm/opt/rules.h"

namespace nebulet::wasm::opt {

template <class Add>
ir::Value Rules<Add>::simplify(Value v) {
  const ir::Inst& i = f_[v];
  if (i.op == Op::copy) return i.a;
  if (ir::is_vector_op(i.op)) return simplify_vector(v);
  if (i.op == Op::select) return simplify_select(v);
  if (i.op == Op::trap_if && is_const(i.a, 0)) {
    f_[v] = {.op = Op::nop};
    return Value::none();
  }
  if (i.op == Op::eqz && f_[i.a].op == Op::ref_bits && is_never_null(f_[i.a].a)) return become_constant(v, 0);
  if ((i.op == Op::eq || i.op == Op::ne) && is_const(i.b, 0) && is_never_null(i.a))
    return become_constant(v, i.op == Op::ne);
  const int operands = ir::info(i.op).operands;
  if (ir::has_effect(i.op, static_cast<unsigned>(~ir::kTraps))) return Value::none();
  if (operands == 1) return simplify_unary(v);
  if (operands == 2) return simplify_binary(v);
  return Value::none();
}

/// Whether a reference was made rather than given.
template <class Add>
bool Rules<Add>::is_never_null(Value v) const {
  switch (f_[v].op) {
    case Op::gc_new:
    case Op::gc_new_array:
    case Op::gc_new_data:
    case Op::gc_new_elem:
    case Op::bits_ref: return true;  // an i31
    default: return false;
  }
}

template <class Add>
ir::Value Rules<Add>::simplify_unary(Value v) {
  const ir::Inst i = f_[v];
  const ir::Inst& a = f_[i.a];
  if (a.op == Op::iconst || (a.op == Op::fconst && i.op == Op::reinterpret)) {
    if (const auto bits = fold(i.op, i.type, a.type, a.bits, 0)) return become_constant(v, *bits);
  }
  switch (i.op) {
    case Op::eqz:
      if (is_compare(a.op)) return become(v, inverted(a.op), a.a, a.b);
      if (a.op == Op::feq) return become(v, Op::fne, a.a, a.b);
      if (a.op == Op::fne) return become(v, Op::feq, a.a, a.b);
      break;
    case Op::wrap:
      if (a.op == Op::extend_s || a.op == Op::extend_u) return a.a;
      break;
    case Op::extend_s:
      if (possible_bits(i.a) <= 0x7fffffffu) return become(v, Op::extend_u, i.a);
      break;
    case Op::extend32_s:
      if (a.op == Op::extend_s || a.op == Op::extend32_s) return i.a;
      break;
    case Op::extend16_s:
      if (a.op == Op::extend16_s || a.op == Op::extend8_s) return i.a;
      break;
    case Op::extend8_s:
      if (a.op == Op::extend8_s) return i.a;
      break;
    case Op::reinterpret:
      if (a.op == Op::reinterpret && f_[a.a].type == i.type) return a.a;
      break;
    default: break;
  }
  return Value::none();
}

template <class Add>
ir::Value Rules<Add>::simplify_binary(Value v) {
  ir::Inst& i = f_[v];
  if (is_const(i.a) && is_const(i.b)) {
    if (const auto bits = fold(i.op, i.type, f_[i.a].type, f_[i.a].bits, f_[i.b].bits))
      return become_constant(v, *bits);
  }
  if (is_const(i.a) && (is_commutative(i.op) || is_compare(i.op))) {
    std::swap(i.a, i.b);
    i.op = swapped(i.op);
  }
  if (is_const(i.b)) return with_constant(v, f_[i.b].bits);
  if (i.a != i.b) return Value::none();
  switch (i.op) {
    case Op::and_:
    case Op::or_: return i.a;
    case Op::sub:
    case Op::xor_:
    case Op::ne:
    case Op::lt_s:
    case Op::lt_u:
    case Op::gt_s:
    case Op::gt_u: return become_constant(v, 0);
    case Op::eq:
    case Op::le_s:
    case Op::le_u:
    case Op::ge_s:
    case Op::ge_u: return become_constant(v, 1);
    default: return Value::none();
  }
}

/// Rules for `a op constant`. The constant has the operands' type.
template <class Add>
ir::Value Rules<Add>::with_constant(Value v, std::uint64_t c) {
  const ir::Inst i = f_[v];
  const Type operand = f_[i.a].type;
  const std::uint64_t ones = truncate(operand, ~0ull);
  const std::uint64_t width = operand == Type::i64 ? 64 : 32;
  switch (i.op) {
    case Op::sub:
      if (c == 0) return i.a;
      return become(v, Op::add, i.a, constant(operand, 0 - c));
    case Op::add:
    case Op::or_:
    case Op::xor_:
      if (c == 0) return i.a;
      if (i.op == Op::or_ && c == ones) return i.b;
      break;
    case Op::and_:
      if (c == 0) return i.b;
      if ((possible_bits(i.a) & ~c) == 0) return i.a;
      break;
    case Op::mul:
      if (c == 0) return i.b;
      if (c == 1) return i.a;
      if (std::has_single_bit(c)) return become(v, Op::shl, i.a, constant(operand, std::countr_zero(c)));
      break;
    case Op::div_u:
      if (c == 1) return i.a;
      if (std::has_single_bit(c)) return become(v, Op::shr_u, i.a, constant(operand, std::countr_zero(c)));
      break;
    case Op::div_s:
      if (c == 1) return i.a;
      break;
    case Op::rem_u:
      if (std::has_single_bit(c)) return become(v, Op::and_, i.a, constant(operand, c - 1));
      break;
    case Op::shl:
    case Op::shr_s:
    case Op::shr_u:
    case Op::rotl:
    case Op::rotr:
      if (c % width == 0) return i.a;
      break;
    case Op::eq:
      if (c == 0) return become(v, Op::eqz, i.a);
      break;
    case Op::lt_u:
      if (c == 0) return become_constant(v, 0);
      if (c == 1) return become(v, Op::eqz, i.a);
      break;
    case Op::ge_u:
      if (c == 0) return become_constant(v, 1);
      if (c == 1) return become(v, Op::ne, i.a, constant(operand, 0));
      break;
    case Op::gt_u:
      if (c == 0) return become(v, Op::ne, i.a, i.b);
      if (c == ones) return become_constant(v, 0);
      break;
    case Op::le_u:
      if (c == 0) return become(v, Op::eqz, i.a);
      if (c == ones) return become_constant(v, 1);
      break;
    default: break;
  }
  return combine_constants(v, c);
}

/// (a op c1) op c2 → a op c.
template <class Add>
ir::Value Rules<Add>::combine_constants(Value v, std::uint64_t c) {
  const ir::Inst i = f_[v];
  const ir::Inst a = f_[i.a];
  if (a.op != i.op || !a.b.valid() || !is_const(a.b)) return Value::none();
  const std::uint64_t inner = f_[a.b].bits;
  const std::uint64_t width = i.type == Type::i64 ? 64 : 32;
  switch (i.op) {
    case Op::add:
      if (truncate(i.type, inner + c) == 0) return a.a;
      return become(v, i.op, a.a, constant(i.type, inner + c));
    case Op::and_: return become(v, i.op, a.a, constant(i.type, inner & c));
    case Op::or_: return become(v, i.op, a.a, constant(i.type, inner | c));
    case Op::xor_:
      if (inner == c) return a.a;
      return become(v, i.op, a.a, constant(i.type, inner ^ c));
    case Op::mul: return become(v, i.op, a.a, constant(i.type, inner * c));
    case Op::shl:
    case Op::shr_u: {
      const std::uint64_t sum = inner % width + c % width;
      if (sum >= width) return become_constant(v, 0);
      return become(v, i.op, a.a, constant(i.type, sum));
    }
    case Op::shr_s: {
      const std::uint64_t sum = inner % width + c % width;
      return become(v, i.op, a.a, constant(i.type, sum < width ? sum : width - 1));
    }
    default: return Value::none();
  }
}

template <class Add>
std::uint64_t Rules<Add>::possible_bits(Value v) const {
  const ir::Inst& i = f_[v];
  const std::uint64_t all = truncate(i.type, ~0ull);
  switch (i.op) {
    case Op::iconst: return i.bits;
    case Op::load:
      return i.access == ir::Access::u8    ? 0xff
             : i.access == ir::Access::u16 ? 0xffff
             : i.access == ir::Access::u32 ? 0xffffffffu
                                           : all;
    case Op::extend_u: return 0xffffffffu;
    case Op::clz:
    case Op::ctz:
    case Op::popcnt: return 0x7f;
    case Op::and_: return is_const(i.b) ? f_[i.b].bits & all : all;
    case Op::shr_u: return is_const(i.b) ? all >> (f_[i.b].bits & (i.type == Type::i64 ? 63 : 31)) : all;
    case Op::eqz: return 1;
    default: break;
  }
  if (is_compare(i.op) || (i.op >= Op::feq && i.op <= Op::fge)) return 1;
  return all;
}

template <class Add>
ir::Value Rules<Add>::strip_condition(Value v, bool& negate) const {
  // Chains of eqz collapse as they are built (eqz of a compare inverts it), so two steps reach the end of
  // what occurs.
  for (int step = 0; step < 2; ++step) {
    const ir::Inst& i = f_[v];
    if (f_[v].type != Type::i32) break;
    if (i.op == Op::eqz && f_[i.a].type == Type::i32) {
      negate = !negate;
      v = i.a;
    } else if (i.op == Op::ne && f_[i.a].type == Type::i32 && is_const(i.b, 0)) {
      v = i.a;
    } else {
      break;
    }
  }
  return v;
}

template <class Add>
ir::Value Rules<Add>::simplify_select(Value v) {
  ir::Inst& i = f_[v];
  if (i.a == i.b) return i.a;
  if (is_const(i.c)) return f_[i.c].bits != 0 ? i.a : i.b;
  bool negate = false;
  i.c = strip_condition(i.c, negate);
  if (negate) std::swap(i.a, i.b);
  return Value::none();
}

/// Exchanges where two edges lead, and their numbers among the predecessors there, unless the search would be
/// long.
template <class Add>
bool Rules<Add>::exchange_edges(ir::Edge x, ir::Edge y) {
  auto place = [&](ir::Edge edge) -> std::uint32_t* {
    constexpr std::uint32_t kMostPreds = 16;  // of a block to which thousands of branches lead
    const ir::BlockData& to = f_[f_[edge].to];
    if (to.pred_count > kMostPreds) return nullptr;
    const auto preds = f_.pool.slice(to.preds, to.pred_count);
    const auto found = std::ranges::find(preds, edge.index);
    return found == preds.end() ? nullptr : &*found;
  };
  std::uint32_t *const of_x = place(x), *const of_y = place(y);
  std::swap(f_[x], f_[y]);
  if (of_x == nullptr || of_y == nullptr) return false;
  std::swap(*of_x, *of_y);
  return true;
}

template <class Add>
bool Rules<Add>::simplify_branch(Value v) {
  ir::Inst& i = f_[v];
  if (i.op == Op::br_if) {
    if (is_const(i.a)) {
      const std::int64_t edge = i.imm + (f_[i.a].bits != 0 ? 0 : 1);
      i = {.op = Op::br, .imm = edge};
      return true;
    }
    bool negate = false;
    i.a = strip_condition(i.a, negate);
    return negate && !exchange_edges(ir::edge_at(i, 0), ir::edge_at(i, 1));
  }
  if (i.op == Op::br_table && (is_const(i.a) || i.count == 1)) {
    const std::uint32_t last = i.count - 1;
    const std::uint64_t wanted = i.count == 1 ? last : f_[i.a].bits;
    i = {.op = Op::br, .imm = i.imm + (wanted < last ? static_cast<std::int64_t>(wanted) : last)};
    return true;
  }
  return false;
}

}  // namespace nebulet::wasm::opt
