// SPDX-License-Identifier: MIT
// The typing rules of tail calls (spec 3.3.8.13-15): a call whose results are those of the function.
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
void Walker<Visitor>::tail_call(Opcode op) {
  if (op == Opcode::return_call) {
    const std::uint32_t function = index(module_.functions.size(), "unknown function");
    if (!reader_.ok()) return;
    return leave_by(module_.type_of(function),
                    [&](std::span<Operand> args) { visitor_.return_call(function, args); });
  }
  const std::uint32_t type_index = function_type_index();
  if (op == Opcode::return_call_ref) {
    if (!reader_.ok()) return;
    const Value callee = pop(ref_type({type_index}, true)).value;
    return leave_by(module_.func_type(type_index),
                    [&](std::span<Operand> args) { visitor_.return_call_ref(type_index, callee, args); });
  }
  const std::uint32_t table = table_index();
  if (!reader_.ok()) return;
  if (!is_subtype(module_, module_.tables[table].type.element, kFuncRef))
    return mismatch(kFuncRef, module_.tables[table].type.element);
  const Value element = pop(index_type(table)).value;
  leave_by(module_.func_type(type_index),
           [&](std::span<Operand> args) { visitor_.return_call_indirect(table, type_index, element, args); });
}

/// The end of the function by a call to a function of `type`.
template <class Visitor>
void Walker<Visitor>::leave_by(const FuncType& type, auto emit_call) {
  const BlockTypes expected = control_[0].type.results(module_);
  if (reader_.ok() &&
      !is_subtype(module_, std::span<const ValType>(type.results), std::span<const ValType>(expected)))
    invalid("type mismatch: results of a tail call are not those of the function");
  const auto args = take_top(type.params);
  if (emit()) emit_call(args);
  unreachable();
}

}  // namespace nebulet::wasm
