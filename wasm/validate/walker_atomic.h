// SPDX-License-Identifier: MIT
// The typing rules of the proposals threads and wide-arithmetic.
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
bool Walker<Visitor>::atomic_instruction(Opcode op) {
  if (op == Opcode::atomic_fence) {
    if (reader_.byte() != 0 && reader_.ok())
      reader_.fail(Error::Kind::malformed, position_, "zero byte expected");
    if (emit()) visitor_.atomic_fence();
    return true;
  }
  const OpcodeInfo& info = opcode_info(op);
  if (info.atomic == AtomicForm::none) return false;
  const MemArg where = memarg(info.alignment);
  if (reader_.ok() && where.alignment != info.alignment) invalid("atomic alignment must be natural");
  const ValType type{info.operand}, address_is = address_type(where.memory);
  Value a{}, b{};
  switch (info.atomic) {
    case AtomicForm::none:
    case AtomicForm::load: break;
    case AtomicForm::store:
    case AtomicForm::rmw: a = pop(type).value; break;
    case AtomicForm::cmpxchg:
      b = pop(type).value;
      a = pop(type).value;
      break;
    case AtomicForm::wait:
      b = pop(kI64).value;
      a = pop(type).value;
      break;
    case AtomicForm::notify: a = pop(kI32).value; break;
  }
  const Value address = pop(address_is).value;
  const Value result = emit() ? visitor_.atomic(op, where, address, a, b) : Value{};
  if (info.atomic == AtomicForm::store) return true;
  push(info.atomic == AtomicForm::wait || info.atomic == AtomicForm::notify ? kI32 : type, result);
  return true;
}

template <class Visitor>
bool Walker<Visitor>::wide_instruction(Opcode op) {
  WideOperands<Value> operands;
  switch (op) {
    case Opcode::i64_add128:
    case Opcode::i64_sub128:
      operands.b_high = pop(kI64).value;
      operands.b_low = pop(kI64).value;
      operands.a_high = pop(kI64).value;
      operands.a_low = pop(kI64).value;
      break;
    case Opcode::i64_mul_wide_s:
    case Opcode::i64_mul_wide_u:
      operands.b_low = pop(kI64).value;
      operands.a_low = pop(kI64).value;
      break;
    default: return false;
  }
  const WidePair<Value> result = emit() ? visitor_.wide(op, operands) : WidePair<Value>{};
  push(kI64, result.low);
  push(kI64, result.high);
  return true;
}

}  // namespace nebulet::wasm
