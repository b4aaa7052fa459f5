// SPDX-License-Identifier: MIT
// Algebraic rules on single instructions whose operands are simplified already.
#pragma once

#include <cstdint>

#include "wasm/ir/ir.h"
#include "wasm/ir/vector.h"

namespace nebulet::wasm::opt {

/// Rewrites one instruction at a time. New instructions that a rule needs are placed through `Add`, which
/// returns the value to use. No rule looks deeper than the operands of an operand, so the cost of each is
/// constant.
template <class Add>
class Rules {
 public:
  Rules(ir::Function& f, Add add) : f_(f), add_(add) {}

  /// Rewrites `v` in place, or returns an existing value that equals it.
  ir::Value simplify(ir::Value v);
  /// Rewrites the terminator `v`; true if the cfg must be computed again.
  bool simplify_branch(ir::Value v);

 private:
  using Op = ir::Op;
  using Type = ir::Type;
  using Value = ir::Value;

  static bool is_commutative(Op op) {
    return op == Op::add || op == Op::mul || op == Op::and_ || op == Op::or_ || op == Op::xor_ ||
           op == Op::eq || op == Op::ne;
  }
  static bool is_compare(Op op) { return op >= Op::eq && op <= Op::ge_u; }
  /// a < b  ⇔  b > a, and so on.
  static Op swapped(Op op) {
    switch (op) {
      case Op::lt_s: return Op::gt_s;
      case Op::lt_u: return Op::gt_u;
      case Op::gt_s: return Op::lt_s;
      case Op::gt_u: return Op::lt_u;
      case Op::le_s: return Op::ge_s;
      case Op::le_u: return Op::ge_u;
      case Op::ge_s: return Op::le_s;
      case Op::ge_u: return Op::le_u;
      default: return op;
    }
  }
  /// !(a < b)  ⇔  a >= b, and so on. Integers only: with NaN it does not hold.
  static Op inverted(Op op) {
    switch (op) {
      case Op::eq: return Op::ne;
      case Op::ne: return Op::eq;
      case Op::lt_s: return Op::ge_s;
      case Op::lt_u: return Op::ge_u;
      case Op::gt_s: return Op::le_s;
      case Op::gt_u: return Op::le_u;
      case Op::le_s: return Op::gt_s;
      case Op::le_u: return Op::gt_u;
      case Op::ge_s: return Op::lt_s;
      default: return Op::lt_u;
    }
  }

  bool is_const(Value v) const { return f_[v].op == Op::iconst; }
  bool is_const(Value v, std::uint64_t bits) const { return is_const(v) && f_[v].bits == bits; }
  std::uint64_t truncate(Type type, std::uint64_t bits) const {
    return type == Type::i64 ? bits : static_cast<std::uint32_t>(bits);
  }
  Value constant(Type type, std::uint64_t bits) {
    return add_({.op = Op::iconst, .type = type, .imm = static_cast<std::int64_t>(truncate(type, bits))});
  }
  Value become_constant(Value v, std::uint64_t bits) {
    const Type type = f_[v].type;
    f_[v] = {.op = type == Type::f32 || type == Type::f64 ? Op::fconst : Op::iconst,
             .type = type,
             .imm = static_cast<std::int64_t>(truncate(type == Type::f64 ? Type::i64 : type, bits))};
    return Value::none();
  }
  Value become(Value v, Op op, Value a, Value b = Value::none()) {
    f_[v] = {.op = op, .type = f_[v].type, .a = a, .b = b};
    return Value::none();
  }

  bool is_never_null(Value v) const;
  Value simplify_binary(Value v);
  Value with_constant(Value v, std::uint64_t c);
  Value combine_constants(Value v, std::uint64_t c);
  Value simplify_unary(Value v);
  Value simplify_select(Value v);
  bool exchange_edges(ir::Edge x, ir::Edge y);
  // rules_simd.h
  Value simplify_vector(Value v);
  Value simplify_bits(Value v);
  Value simplify_bitselect(Value v);
  Value simplify_shuffle(Value v);
  Value simplify_lane(Value v);
  Value simplify_extension(Value v);
  bool vector_constant(Value v, ir::Bits128& bits) const {
    if (f_[v].op != Op::vconst) return false;
    bits = ir::vector_bits(f_[v]);
    return true;
  }
  Value become_vector(Value v, ir::Bits128 bits) {
    f_[v] = ir::vector_constant(bits);
    return Value::none();
  }
  /// Bits that may be 1 in `v`.
  std::uint64_t possible_bits(Value v) const;
  /// What a condition tests, without double negation: sets `negate` if the sense is reversed.
  Value strip_condition(Value v, bool& negate) const;

  ir::Function& f_;
  Add add_;
};

template <class Add>
Rules(ir::Function&, Add) -> Rules<Add>;

}  // namespace nebulet::wasm::opt

#include "wasm/opt/rules_impl.h"
#include "wasm/opt/rules_simd.h"
