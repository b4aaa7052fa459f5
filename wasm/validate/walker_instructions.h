// SPDX-License-Identifier: MIT
// The typing rules of the instructions that are more than a row in opcodes.def (spec 3.3).
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
void Walker<Visitor>::special(Opcode op) {
  switch (op) {
    case Opcode::nop: return;
    case Opcode::drop: pop_any(); return;
    case Opcode::select: return select(false);
    case Opcode::select_t: return select(true);
    case Opcode::i32_const: {
      const auto value = static_cast<std::uint32_t>(reader_.s32());
      push(kI32, emit() ? visitor_.constant(kI32, value) : Value{});
      return;
    }
    case Opcode::i64_const: {
      const auto value = static_cast<std::uint64_t>(reader_.s64());
      push(kI64, emit() ? visitor_.constant(kI64, value) : Value{});
      return;
    }
    case Opcode::f32_const: {
      const std::uint32_t bits = reader_.f32();
      push(kF32, emit() ? visitor_.constant(kF32, bits) : Value{});
      return;
    }
    case Opcode::f64_const: {
      const std::uint64_t bits = reader_.f64();
      push(kF64, emit() ? visitor_.constant(kF64, bits) : Value{});
      return;
    }
    default: break;
  }
  if (!control_instruction(op) && !variable_instruction(op) && !table_instruction(op) &&
      !reference_instruction(op) && !aggregate_instruction(op))
    memory_instruction(op);
}

template <class Visitor>
bool Walker<Visitor>::control_instruction(Opcode op) {
  switch (op) {
    case Opcode::block: begin_block(Kind::block); return true;
    case Opcode::loop: begin_block(Kind::loop); return true;
    case Opcode::if_: begin_block(Kind::if_); return true;
    case Opcode::else_: begin_else(); return true;
    case Opcode::end: end_block(); return true;
    case Opcode::unreachable:
      if (emit()) visitor_.unreachable();
      unreachable();
      return true;
    case Opcode::br: {
      Control* block = target(reader_.u32());
      if (!block) return true;
      const auto operands = take_top(label_types(*block));
      if (emit()) visitor_.br(block->label, operands);
      unreachable();
      return true;
    }
    case Opcode::br_if: {
      Control* block = target(reader_.u32());
      const Value condition = pop(kI32).value;
      if (!block) return true;
      const auto operands = take_top(label_types(*block));
      if (emit()) visitor_.br_if(block->label, condition, operands);
      return true;
    }
    case Opcode::br_table: branch_table(); return true;
    case Opcode::return_: {
      const auto operands = take_top(control_[0].type.results(module_));
      if (emit()) visitor_.return_(operands);
      unreachable();
      return true;
    }
    case Opcode::call: {
      const std::uint32_t function = index(module_.functions.size(), "unknown function");
      if (!reader_.ok()) return true;
      const FuncType& type = module_.type_of(function);
      call(type, [&](std::span<Operand> args) { return visitor_.call(function, type, args); });
      return true;
    }
    case Opcode::call_indirect: {
      const std::uint32_t type_index = function_type_index();
      const std::uint32_t table = table_index();
      if (!reader_.ok()) return true;
      if (!is_subtype(module_, module_.tables[table].type.element, kFuncRef)) {
        mismatch(kFuncRef, module_.tables[table].type.element);
        return true;
      }
      const Value element = pop(index_type(table)).value;
      const FuncType& type = module_.func_type(type_index);
      call(type, [&](std::span<Operand> args) {
        return visitor_.call_indirect(table, type_index, type, element, args);
      });
      return true;
    }
    case Opcode::return_call:
    case Opcode::return_call_indirect:
    case Opcode::return_call_ref: tail_call(op); return true;
    default: return exception_instruction(op);
  }
}

template <class Visitor>
void Walker<Visitor>::begin_block(Kind kind) {
  const BlockType type = BlockType::read(reader_, module_);
  if (!reader_.ok()) return;
  const Value condition = kind == Kind::if_ ? pop(kI32).value : Value{};
  const auto params = take_top(type.params(module_));
  if (!reader_.ok()) return;
  Control& block = push_control(kind, type, params.size());
  block.saved = saved_.size();
  if (kind == Kind::if_) saved_.append(params);
  if (!emit()) return;
  if (kind == Kind::block) {
    visitor_.block(block.label);
  } else if (kind == Kind::loop) {
    visitor_.loop(block.label, params, reader_.position());
  } else if (kind == Kind::try_) {
    visitor_.try_(block.label);
  } else {
    visitor_.if_(block.label, condition, params);
  }
}

template <class Visitor>
void Walker<Visitor>::begin_else() {
  Control& block = control_.back();
  if (block.kind != Kind::if_) {
    reader_.fail(Error::Kind::malformed, position_, "else without if");
    return;
  }
  const auto results = take_results(block);
  if (!reader_.ok()) return;
  if (block.live) visitor_.else_(block.label, results, live_);
  const std::uint32_t params = saved_.size() - block.saved;
  stack_.resize(block.height);
  stack_.append(saved_.slice(block.saved, params));
  saved_.resize(block.saved);
  initialized_.return_to(block.initialized);
  block.kind = Kind::else_;
  block.polymorphic = false;
  live_ = block.live;
}

template <class Visitor>
void Walker<Visitor>::end_block() {
  Control& block = control_.back();
  const auto results = take_results(block);
  if (!reader_.ok()) return;
  if (block.kind == Kind::if_) {
    // Without an else the parameters are the results (spec 3.3.8.5).
    const auto params = block.type.params(module_), expected = block.type.results(module_);
    if (!is_subtype(module_, std::span<const ValType>(params), std::span<const ValType>(expected))) {
      invalid("type mismatch: an if without else has results");
      return;
    }
    saved_.resize(block.saved);
  }
  initialized_.return_to(block.initialized);
  live_ = block.live && (block.kind >= Kind::try_table ? end_handlers(block, results)
                                                       : visitor_.end(block.label, results, live_));
  if (block.kind == Kind::try_table) clauses_.resize(block.saved);
  control_.pop_back();
}

// Spec 3.3.8.9: every label takes the operands that the default takes, and all take the same number of them.
template <class Visitor>
void Walker<Visitor>::branch_table() {
  const std::uint32_t count = reader_.u32();
  if (reader_.ok() && count >= reader_.remaining()) reader_.malformed("length out of bounds");
  if (reader_.ok() && count > kMaxBranchTable)
    reader_.fail(Error::Kind::limit, position_, "br_table too large");
  if (!reader_.ok()) return;
  targets_.clear();
  for (std::uint32_t i = 0; i <= count; ++i) targets_.push_back(reader_.u32());
  const Value selector = pop(kI32).value;
  Control* fallback = target(targets_.back());
  if (!fallback) return;
  const std::size_t arity = label_types(*fallback).size();
  for (const std::uint32_t depth : targets_) {
    Control* block = target(depth);
    if (!block) return;
    if (block->checked_at == position_) continue;
    block->checked_at = position_;
    if (label_types(*block).size() != arity) {
      invalid("type mismatch: labels of br_table take different numbers of operands");
      return;
    }
    if (!check_top(label_types(*block))) return;
  }
  const auto operands = take_top(label_types(*fallback));
  if (emit())
    visitor_.br_table(selector, targets_.span(), operands,
                      [this](std::uint32_t depth) -> Label& { return target(depth)->label; });
  unreachable();
}

template <class Visitor>
void Walker<Visitor>::call(const FuncType& type, auto emit_call) {
  const auto args = take_top(type.params);
  const bool told = emit();
  const Value result = told ? emit_call(args) : Value{};
  drop(args.size());
  if (!reader_.ok() || !fuel_.spend(type.results.size() / 8)) return;
  for (std::uint32_t i = 0; i < type.results.size(); ++i)
    push(type.results[i], !told || i == 0 ? result : visitor_.result(result, i, type.results[i]));
}

template <class Visitor>
void Walker<Visitor>::select(bool typed) {
  ValType type;
  if (typed) {
    const std::uint32_t count = reader_.u32();
    if (reader_.ok() && count != 1) invalid("invalid result arity");
    type = read_val_type(reader_, module_.types.size());
    if (!reader_.ok()) return;
  }
  const Value condition = pop(kI32).value;
  const Operand b = typed ? pop(type) : pop_any();
  const Operand a = typed ? pop(type) : pop_any();
  if (!typed) {
    if (a.type.is_ref() || b.type.is_ref()) {
      invalid("type mismatch: select without a type is for numbers");
      return;
    }
    type = a.type.kind == ValType::Kind::bottom ? b.type : a.type;
    if (b.type != type && b.type.kind != ValType::Kind::bottom) mismatch(type, b.type);
  }
  push(type, emit() ? visitor_.select(type, a.value, b.value, condition) : Value{});
}

template <class Visitor>
bool Walker<Visitor>::variable_instruction(Opcode op) {
  switch (op) {
    case Opcode::local_get: {
      const std::uint32_t local = local_index();
      if (!reader_.ok()) return true;
      const ValType type = locals_[local];
      if (!initialized_.contains(locals_, local, type)) invalid(with_number("uninitialized local", local));
      push(type, emit() ? visitor_.local_get(local) : Value{});
      return true;
    }
    case Opcode::local_set:
    case Opcode::local_tee: {
      const std::uint32_t local = local_index();
      if (!reader_.ok()) return true;
      const ValType type = locals_[local];
      const Operand operand = pop(type);
      initialized_.add(locals_, local, type);
      if (emit()) visitor_.local_set(local, operand.value);
      if (op == Opcode::local_tee) push(type, operand.value);
      return true;
    }
    case Opcode::global_get: {
      const std::uint32_t global = index(module_.globals.size(), "unknown global");
      if (!reader_.ok()) return true;
      const ValType type = module_.globals[global].type.type;
      push(type, emit() ? visitor_.global_get(global, type) : Value{});
      return true;
    }
    case Opcode::global_set: {
      const std::uint32_t global = index(module_.globals.size(), "unknown global");
      if (!reader_.ok()) return true;
      if (!module_.globals[global].type.is_mutable) {
        invalid("immutable global");
        return true;
      }
      const ValType type = module_.globals[global].type.type;
      const Value value = pop(type).value;
      if (emit()) visitor_.global_set(global, type, value);
      return true;
    }
    default: return false;
  }
}

template <class Visitor>
bool Walker<Visitor>::table_instruction(Opcode op) {
  switch (op) {
    case Opcode::ref_null: {
      const ValType type{ValType::Kind::ref, true, read_heap_type(reader_, module_.types.size())};
      push(type, emit() ? visitor_.constant(type, 0) : Value{});
      return true;
    }
    case Opcode::ref_is_null: {
      const Operand operand = pop_reference();
      push(kI32, emit() ? visitor_.ref_is_null(operand.value) : Value{});
      return true;
    }
    case Opcode::ref_func: {
      const std::uint32_t function = index(module_.functions.size(), "unknown function");
      if (reader_.ok() && !module_.functions[function].declared) invalid("undeclared function reference");
      if (!reader_.ok()) return true;
      push(ref_type({module_.functions[function].type}, false),
           emit() ? visitor_.ref_func(function) : Value{});
      return true;
    }
    case Opcode::elem_drop: {
      const std::uint32_t segment = element_index();
      if (emit()) visitor_.elem_drop(segment);
      return true;
    }
    case Opcode::table_copy: {
      const std::uint32_t to = table_index();
      const std::uint32_t from = table_index();
      if (!reader_.ok()) return true;
      if (!is_subtype(module_, module_.tables[from].type.element, module_.tables[to].type.element))
        mismatch(module_.tables[to].type.element, module_.tables[from].type.element);
      const Value n = pop(smaller(index_type(to), index_type(from))).value,
                  source = pop(index_type(from)).value, destination = pop(index_type(to)).value;
      if (emit()) visitor_.table_copy(to, from, destination, source, n);
      return true;
    }
    case Opcode::table_init: {
      const std::uint32_t segment = reader_.u32();
      const std::uint32_t table = table_index();
      if (reader_.ok() && segment >= module_.elements.size())
        invalid(with_number("unknown elem segment", segment));
      if (!reader_.ok()) return true;
      if (!is_subtype(module_, module_.elements[segment].type, module_.tables[table].type.element))
        mismatch(module_.tables[table].type.element, module_.elements[segment].type);
      const Value n = pop(kI32).value, source = pop(kI32).value, destination = pop(index_type(table)).value;
      if (emit()) visitor_.table_init(table, segment, destination, source, n);
      return true;
    }
    case Opcode::table_get:
    case Opcode::table_set:
    case Opcode::table_size:
    case Opcode::table_grow:
    case Opcode::table_fill: break;
    default: return false;
  }
  const std::uint32_t table = table_index();
  if (!reader_.ok()) return true;
  const ValType element = module_.tables[table].type.element, index = index_type(table);
  if (op == Opcode::table_get) {
    const Value at = pop(index).value;
    push(element, emit() ? visitor_.table_get(table, at) : Value{});
  } else if (op == Opcode::table_set) {
    const Value reference = pop(element).value, at = pop(index).value;
    if (emit()) visitor_.table_set(table, at, reference);
  } else if (op == Opcode::table_size) {
    push(index, emit() ? visitor_.table_size(table) : Value{});
  } else if (op == Opcode::table_grow) {
    const Value delta = pop(index).value, init = pop(element).value;
    push(index, emit() ? visitor_.table_grow(table, init, delta) : Value{});
  } else {
    const Value n = pop(index).value, reference = pop(element).value, at = pop(index).value;
    if (emit()) visitor_.table_fill(table, at, reference, n);
  }
  return true;
}

}  // namespace nebulet::wasm
