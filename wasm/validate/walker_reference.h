// SPDX-License-Identifier: MIT
// The typing rules of references to functions, of null and of casts (spec 3.3.4, 3.3.8).
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
bool Walker<Visitor>::reference_instruction(Opcode op) {
  switch (op) {
    case Opcode::ref_as_non_null: {
      const Operand operand = pop_reference();
      const ValType type = ref_type(operand.type.heap, false);
      push(type, emit() ? visitor_.ref_as_non_null(type, operand.value) : Value{});
      return true;
    }
    case Opcode::br_on_null: {
      Control* block = target(reader_.u32());
      if (!block) return true;
      const Value kept = top_value();
      const Operand operand = pop_reference();
      const auto operands = take_top(label_types(*block));
      const ValType type = ref_type(operand.type.heap, false);
      if (emit()) visitor_.br_on_null(block->label, operand.value, operands);
      push(type, kept);
      return true;
    }
    case Opcode::br_on_non_null: {
      Control* block = target(reader_.u32());
      if (!block) return true;
      const Value kept = top_value();
      push(ref_type(pop_reference().type.heap, false), kept);
      const BlockTypes types = label_types(*block);
      if (!reader_.ok()) return true;
      if (types.empty() || !types.back().is_ref()) {
        invalid("type mismatch: the label of br_on_non_null takes no reference");
        return true;
      }
      const auto operands = take_top(types);
      if (emit()) visitor_.br_on_non_null(block->label, operands);
      drop(1);
      return true;
    }
    case Opcode::br_on_cast: branch_on_cast(false); return true;
    case Opcode::br_on_cast_fail: branch_on_cast(true); return true;
    case Opcode::ref_test:
    case Opcode::ref_test_null:
    case Opcode::ref_cast:
    case Opcode::ref_cast_null: {
      const bool nullable = op == Opcode::ref_test_null || op == Opcode::ref_cast_null;
      const ValType to = ref_type(read_heap_type(reader_, module_.types.size()), nullable);
      if (!reader_.ok() || !casts(to)) return true;
      if constexpr (kCasts) {
        const Operand operand = pop(ref_type(module_.top_of(to.heap), true));
        if (op == Opcode::ref_test || op == Opcode::ref_test_null)
          push(kI32, emit() ? visitor_.ref_test(operand.type, to, operand.value) : Value{});
        else
          push(to, emit() ? visitor_.ref_cast(operand.type, to, operand.value) : Value{});
      }
      return true;
    }
    case Opcode::call_ref: {
      const std::uint32_t type_index = function_type_index();
      if (!reader_.ok()) return true;
      const Value callee = pop(ref_type({type_index}, true)).value;
      const FuncType& type = module_.func_type(type_index);
      if constexpr (Visitor::kFunctionReferences)
        call(type,
             [&](std::span<Operand> args) { return visitor_.call_ref(type_index, type, callee, args); });
      else
        fail_unsupported(reader_, position_, "typed function references");
      return true;
    }
    default: return false;
  }
}

// Spec 3.3.8.6, 3.3.8.7: the label gets the operand as what it is on the way there, and so does what follows.
template <class Visitor>
void Walker<Visitor>::branch_on_cast(bool on_failure) {
  const std::uint32_t at = reader_.position();
  const std::uint8_t flags = reader_.byte();
  if (reader_.ok() && flags > 3) reader_.fail(Error::Kind::malformed, at, "malformed br_on_cast flags");
  Control* block = target(reader_.u32());
  const ValType from = ref_type(read_heap_type(reader_, module_.types.size()), (flags & 1) != 0);
  const ValType to = ref_type(read_heap_type(reader_, module_.types.size()), (flags & 2) != 0);
  if (!reader_.ok()) return;
  if (!is_subtype(module_, to, from)) {
    mismatch(from, to);
    return;
  }
  if (!casts(to)) return;
  const Value value = top_value();
  pop(from);
  const ValType rest = difference(from, to);
  push(on_failure ? rest : to, value);
  const BlockTypes types = label_types(*block);
  if (reader_.ok() && types.empty()) invalid("type mismatch: the label of a cast takes no reference");
  if (!reader_.ok()) return;
  const auto operands = take_top(types);
  if constexpr (kCasts)
    if (emit()) visitor_.br_on_cast(block->label, from, to, on_failure, operands);
  drop(1);
  push(on_failure ? to : rest, value);
}

}  // namespace nebulet::wasm
