// SPDX-License-Identifier: MIT
// The typing rules of structures, arrays and 31-bit integers (spec 3.3.5 … 3.3.7).
#pragma once

#include "wasm/validate/walker.h"

namespace nebulet::wasm {

template <class Visitor>
bool Walker<Visitor>::aggregate_instruction(Opcode op) {
  const auto code = static_cast<std::uint32_t>(op);
  if (op != Opcode::ref_eq && (code < static_cast<std::uint32_t>(Opcode::struct_new) ||
                               code > static_cast<std::uint32_t>(Opcode::i31_get_u)))
    return false;
  if constexpr (Visitor::kAggregates) {
    switch (op) {
      case Opcode::struct_new:
      case Opcode::struct_new_default:
      case Opcode::struct_get:
      case Opcode::struct_get_s:
      case Opcode::struct_get_u:
      case Opcode::struct_set: struct_instruction(op); break;
      case Opcode::array_new:
      case Opcode::array_new_default:
      case Opcode::array_new_fixed:
      case Opcode::array_new_data:
      case Opcode::array_new_elem: array_new_instruction(op); break;
      case Opcode::any_convert_extern:
      case Opcode::extern_convert_any:
      case Opcode::ref_eq:
      case Opcode::ref_i31:
      case Opcode::i31_get_s:
      case Opcode::i31_get_u: scalar_instruction(op); break;
      default: array_instruction(op);
    }
  } else {
    fail_unsupported(reader_, position_, "garbage collection");
  }
  return true;
}

template <class Visitor>
void Walker<Visitor>::scalar_instruction(Opcode op) {
  switch (op) {
    case Opcode::ref_eq: {
      const Value b = pop(ref_type(kEqHeap, true)).value, a = pop(ref_type(kEqHeap, true)).value;
      push(kI32, emit() ? visitor_.ref_eq(a, b) : Value{});
      return;
    }
    case Opcode::ref_i31: {
      const Value a = pop(kI32).value;
      push(ref_type(kI31Heap, false), emit() ? visitor_.ref_i31(a) : Value{});
      return;
    }
    case Opcode::i31_get_s:
    case Opcode::i31_get_u: {
      const Value a = pop(ref_type(kI31Heap, true)).value;
      push(kI32, emit() ? visitor_.i31_get(op, a) : Value{});
      return;
    }
    default: {
      const bool to_any = op == Opcode::any_convert_extern;
      const Operand operand = pop(ref_type(to_any ? kExternHeap : kAnyHeap, true));
      const bool nullable = operand.type.is_ref() && operand.type.nullable;
      push(ref_type(to_any ? kAnyHeap : kExternHeap, nullable),
           emit() ? visitor_.convert(op, operand.value) : Value{});
    }
  }
}

template <class Visitor>
void Walker<Visitor>::struct_instruction(Opcode op) {
  const std::uint32_t type = type_index(TypeDef::Kind::structure, "type mismatch: not a structure type:");
  if (!reader_.ok()) return;
  const TypeDef& def = module_.types[type];
  const auto size = static_cast<std::uint32_t>(def.fields.size());
  if (op == Opcode::struct_new) {
    field_types_.clear();
    if (!fuel_.spend(size / 8)) return;
    for (const FieldType& field : def.fields) field_types_.push_back(field.type);
    const auto operands = take_top(field_types_.span());
    const Value made = emit() ? visitor_.struct_new(type, operands) : Value{};
    drop(size);
    push(ref_type({type}, false), made);
    return;
  }
  if (op == Opcode::struct_new_default) {
    if (!def.has_defaults) invalid("type mismatch: a field has no default value");
    push(ref_type({type}, false), emit() ? visitor_.struct_new_default(type) : Value{});
    return;
  }
  const std::uint32_t number = index(size, "unknown field");
  if (!reader_.ok()) return;
  const FieldType& field = def.fields[number];
  if (op == Opcode::struct_set) {
    if (!field.is_mutable) invalid(with_number("immutable field", number));
    const Value value = pop(field.type).value, object = pop(ref_type({type}, true)).value;
    if (emit()) visitor_.struct_set(type, number, object, value);
    return;
  }
  check_packing(field, op != Opcode::struct_get);
  const Value object = pop(ref_type({type}, true)).value;
  push(field.type, emit() ? visitor_.struct_get(op, type, number, object) : Value{});
}

/// Packed fields are read with a signedness, others without.
template <class Visitor>
void Walker<Visitor>::check_packing(const FieldType& field, bool extended) {
  if (extended == (field.packed != FieldType::Packed::none)) return;
  invalid(extended ? "type mismatch: field is unpacked" : "type mismatch: field is packed");
}

template <class Visitor>
std::uint32_t Walker<Visitor>::array_type() {
  return type_index(TypeDef::Kind::array, "type mismatch: not an array type:");
}

/// The array's elements must be numbers for it to be filled from bytes, or what the segment has.
template <class Visitor>
void Walker<Visitor>::check_array_source(const FieldType& field, bool from_data, std::uint32_t segment) {
  if (!reader_.ok()) return;
  if (from_data) {
    if (field.type.is_ref()) invalid("array type is not numeric or vector");
  } else if (const ValType element = module_.elements[segment].type;
             !is_subtype(module_, element, field.type)) {
    mismatch(field.type, element);
  }
}

template <class Visitor>
void Walker<Visitor>::array_new_instruction(Opcode op) {
  const std::uint32_t type = array_type();
  if (!reader_.ok()) return;
  const FieldType& field = module_.types[type].fields[0];
  Value made{};
  switch (op) {
    case Opcode::array_new: {
      const Value length = pop(kI32).value, init = pop(field.type).value;
      if (emit()) made = visitor_.array_new(type, init, length);
      break;
    }
    case Opcode::array_new_default: {
      if (!is_defaultable(field.type)) invalid("type mismatch: array type is not defaultable");
      const Value length = pop(kI32).value;
      if (emit()) made = visitor_.array_new_default(type, length);
      break;
    }
    case Opcode::array_new_fixed: {
      const std::uint32_t count = reader_.u32();
      if (reader_.ok() && count > kMaxArrayNewFixed)
        reader_.fail(Error::Kind::limit, position_, "too many operands of array.new_fixed");
      if (!reader_.ok() || !fuel_.spend(count / 8)) return;
      field_types_.clear();
      field_types_.resize(count, field.type);
      const auto operands = take_top(field_types_.span());
      if (emit()) made = visitor_.array_new_fixed(type, operands);
      drop(count);
      break;
    }
    default: {
      const bool from_data = op == Opcode::array_new_data;
      const std::uint32_t segment = from_data ? data_index() : element_index();
      check_array_source(field, from_data, segment);
      const Value length = pop(kI32).value, from = pop(kI32).value;
      if (!emit()) break;
      made = from_data ? visitor_.array_new_data(type, segment, from, length)
                       : visitor_.array_new_elem(type, segment, from, length);
    }
  }
  push(ref_type({type}, false), made);
}

template <class Visitor>
void Walker<Visitor>::array_instruction(Opcode op) {
  if (op == Opcode::array_len) {
    const Value array = pop(ref_type(kArrayHeap, true)).value;
    push(kI32, emit() ? visitor_.array_len(array) : Value{});
    return;
  }
  const std::uint32_t type = array_type();
  if (!reader_.ok()) return;
  const FieldType& field = module_.types[type].fields[0];
  const ValType array_ref = ref_type({type}, true);
  if (op == Opcode::array_get || op == Opcode::array_get_s || op == Opcode::array_get_u) {
    check_packing(field, op != Opcode::array_get);
    const Value at = pop(kI32).value, array = pop(array_ref).value;
    push(field.type, emit() ? visitor_.array_get(op, type, array, at) : Value{});
    return;
  }
  if (!field.is_mutable) {
    invalid("immutable array");
    return;
  }
  switch (op) {
    case Opcode::array_set: {
      const Value value = pop(field.type).value, at = pop(kI32).value, array = pop(array_ref).value;
      if (emit()) visitor_.array_set(type, array, at, value);
      return;
    }
    case Opcode::array_fill: {
      const Value n = pop(kI32).value, value = pop(field.type).value, at = pop(kI32).value,
                  array = pop(array_ref).value;
      if (emit()) visitor_.array_fill(type, array, at, value, n);
      return;
    }
    case Opcode::array_copy: {
      const std::uint32_t from_type = array_type();
      if (!reader_.ok()) return;
      const FieldType& from_field = module_.types[from_type].fields[0];
      if (from_field.packed != field.packed || !is_subtype(module_, from_field.type, field.type))
        invalid("array types do not match");
      const Value n = pop(kI32).value, from_at = pop(kI32).value,
                  from = pop(ref_type({from_type}, true)).value, at = pop(kI32).value,
                  array = pop(array_ref).value;
      if (emit()) visitor_.array_copy(type, from_type, array, at, from, from_at, n);
      return;
    }
    default: {
      const bool from_data = op == Opcode::array_init_data;
      const std::uint32_t segment = from_data ? data_index() : element_index();
      check_array_source(field, from_data, segment);
      const Value n = pop(kI32).value, from = pop(kI32).value, at = pop(kI32).value,
                  array = pop(array_ref).value;
      if (!emit()) return;
      if (from_data)
        visitor_.array_init_data(type, segment, array, at, from, n);
      else
        visitor_.array_init_elem(type, segment, array, at, from, n);
    }
  }
}

}  // namespace nebulet::wasm
