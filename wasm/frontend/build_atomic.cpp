// SPDX-License-Identifier: MIT
#include "wasm/frontend/build_atomic.h"

#include <array>

namespace nebulet::wasm {

using ir::Access;
using ir::Op;
using ir::Type;

namespace {

struct Translation {
  Op op = Op::nop;
  Type type = Type::none;
  Access access = Access::full;
};
constexpr std::uint32_t kFirst = opcode_index(Opcode::memory_atomic_notify),
                        kLast = opcode_index(Opcode::i64_atomic_rmw32_cmpxchg_u);
constexpr auto kTranslations = [] {
  std::array<Translation, kLast - kFirst + 1> table{};
#define NB_ATOMIC(name, code, text, form, type, access, alignment, ir) \
  table[opcode_index(Opcode::name) - kFirst] = {Op::ir, Type::type, Access::access};
#include "wasm/binary/opcodes.def"
  return table;
}();

}  // namespace

template <class Ssa>
ir::Value AtomicBuilder<Ssa>::emit(Opcode op, MemArg where, Value address, Value a, Value b) {
  const Translation& t = kTranslations[opcode_index(op) - kFirst];
  const AtomicForm form = opcode_info(op).atomic;
  if (form == AtomicForm::notify)
    return ssa_.emit({.op = t.op, .type = Type::i32, .a = sum(where, address), .b = a, .imm = where.memory});
  if (form == AtomicForm::wait) {
    const std::int64_t width = t.type == Type::i64 ? 8 : 4;
    return ssa_.emit({.op = t.op,
                      .type = Type::i32,
                      .a = sum(where, address),
                      .b = a,
                      .c = b,
                      .imm = std::int64_t{where.memory} | width << 32});
  }
  const ir::Inst access{.op = t.op,
                        .type = t.type,
                        .access = t.access,
                        .a = address,
                        .b = a,
                        .c = b,
                        .count = where.memory,
                        .imm = static_cast<std::int64_t>(where.offset)};
  if (t.op != Op::and_ && t.op != Op::or_ && t.op != Op::xor_) return ssa_.emit(access);
  if constexpr (Ssa::kSegmented)
    return service(t.op, access, where);
  else
    return loop(t.op, access);
}

template <class Ssa>
ir::Value AtomicBuilder<Ssa>::loop(Op op, const ir::Inst& access) {
  if constexpr (Ssa::kSegmented) {
    return {};
  } else {
    ir::Inst load = access, exchange = access;
    load.op = Op::atomic_load;
    load.b = load.c = Value::none();
    const std::array first{ssa_.emit(load)};
    const ir::Block head = ssa_.make_block();
    const ir::Edge enter = ssa_.make_edge(head, first);
    ssa_.emit({.op = Op::br, .imm = enter.index});
    ssa_.start(head);
    const Value old = ssa_.add_stack_param(head, access.type, 0);
    ssa_.open_loop(head, {});
    exchange.op = Op::atomic_cmpxchg;
    exchange.b = old;
    exchange.c = ssa_.emit({.op = op, .type = access.type, .a = old, .b = access.b});
    const std::array seen{ssa_.emit(exchange)};
    const Value differs = ssa_.emit({.op = Op::ne, .type = Type::i32, .a = seen[0], .b = old});
    const ir::Block next = ssa_.make_block();
    const ir::Edge again = ssa_.make_edge(head, seen);
    ssa_.make_edge(next, {});
    ssa_.emit({.op = Op::br_if, .a = differs, .imm = again.index});
    ssa_.start(next);
    ssa_.close_loop(head);
    return old;
  }
}

template <class Ssa>
ir::Value AtomicBuilder<Ssa>::service(Op op, const ir::Inst& access, MemArg where) {
  const std::uint64_t operation = op == Op::and_ ? 0 : op == Op::or_ ? 1 : 2;
  const std::uint64_t bytes = access.access == Access::u8    ? 1
                              : access.access == Access::u16 ? 2
                              : access.access == Access::u32 ? 4
                              : access.type == Type::i64     ? 8
                                                             : 4;
  return ssa_.emit({.op = Op::atomic_bits,
                    .type = access.type,
                    .a = sum(where, access.a),
                    .b = access.b,
                    .imm = static_cast<std::int64_t>(where.memory | bytes << 32 | operation << 40)});
}

template <class Ssa>
ir::Value AtomicBuilder<Ssa>::sum(MemArg where, Value address) {
  const bool is_64 = module_.memories[where.memory].limits.is_64;
  if (!is_64) address = ssa_.emit({.op = Op::extend_u, .type = Type::i64, .a = address});
  if (where.offset == 0) return address;
  auto constant = [&](std::uint64_t bits) {
    return ssa_.emit({.op = Op::iconst, .type = Type::i64, .imm = static_cast<std::int64_t>(bits)});
  };
  const Value offset = constant(where.offset);
  const Value total = ssa_.emit({.op = Op::add, .type = Type::i64, .a = address, .b = offset});
  if (!is_64) return total;
  constexpr std::uint64_t kNowhere = ~std::uint64_t{7};  // aligned, so that the trap is that of the bounds
  const Value wraps = ssa_.emit({.op = Op::lt_u, .type = Type::i32, .a = total, .b = offset});
  return ssa_.emit({.op = Op::select, .type = Type::i64, .a = constant(kNowhere), .b = total, .c = wraps});
}

template <class Ssa>
WidePair<ir::Value> build_wide(Ssa& ssa, ir::Function& function, Opcode op,
                               const WideOperands<ir::Value>& operands) {
  auto emit = [&](Op low, Op high) {
    ir::Inst lower{.op = low, .type = Type::i64, .a = operands.a_low, .b = operands.b_low};
    ir::Inst upper{.op = high, .type = Type::i64};
    if (ir::has_operand_list(high)) {
      upper.args = function.pool.size();
      upper.count = 4;
      for (const ir::Value v : {operands.a_low, operands.a_high, operands.b_low, operands.b_high})
        function.pool.push_back(v.index);
    } else {
      upper.a = operands.a_low;
      upper.b = operands.b_low;
    }
    const ir::Value result = ssa.emit(lower);
    return WidePair<ir::Value>{result, ssa.emit(upper)};
  };
  switch (op) {
    case Opcode::i64_add128: return emit(Op::add, Op::add128_high);
    case Opcode::i64_sub128: return emit(Op::sub, Op::sub128_high);
    case Opcode::i64_mul_wide_s: return emit(Op::mul, Op::mul_high_s);
    default: return emit(Op::mul, Op::mul_high_u);
  }
}

template class AtomicBuilder<SsaBuilder>;
template class AtomicBuilder<CellBuilder>;
template WidePair<ir::Value> build_wide(SsaBuilder&, ir::Function&, Opcode, const WideOperands<ir::Value>&);
template WidePair<ir::Value> build_wide(CellBuilder&, ir::Function&, Opcode, const WideOperands<ir::Value>&);

}  // namespace nebulet::wasm
