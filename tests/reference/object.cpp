// SPDX-License-Identifier: MIT
// Structures, arrays, i31 and casts (spec 4.6, aggregate references). Nothing is freed before the store is.
#include <cstring>

#include "tests/reference/machine.h"

namespace nebulet::reference {
namespace {

/// What a field of the type keeps of a value.
Value packed(const ValType& type, Value value) {
  if (type.kind == 0x78) return {value.low & 0xff, 0};
  if (type.kind == 0x77) return {value.low & 0xffff, 0};
  return value;
}

Value unpacked(const ValType& type, const Value& value, bool is_signed) {
  if (!is_signed) return value;
  if (type.kind == 0x78) return {static_cast<std::uint32_t>(static_cast<std::int8_t>(value.low)), 0};
  if (type.kind == 0x77) return {static_cast<std::uint32_t>(static_cast<std::int16_t>(value.low)), 0};
  return value;
}

unsigned width_of(const ValType& type) {
  switch (type.kind) {
    case 0x78: return 1;
    case 0x77: return 2;
    case 0x7f:
    case 0x7d: return 4;
    case 0x7b: return 16;
    default: return 8;
  }
}

constexpr const char* kArrayBounds = "out of bounds array access";

}  // namespace

Object* Machine::allocate(Object::Kind kind, std::uint32_t type, std::uint64_t fields) {
  Object* made = fields > store_.limit_.heap ? nullptr : store_.allocate(kind, type, fields);
  if (!made) trap("out of memory");
  return made;
}

void Machine::structure(const Instr& instr, std::uint32_t number) {
  const std::uint32_t type = instance().types[instr.a];
  const std::vector<Field>& fields = store_.types_[type].members;
  if (number < 2) {
    Object* made = allocate(Object::Kind::structure, type, fields.size());
    if (!made) return;
    if (number == 0) {
      for (std::size_t i = fields.size(); i-- > 0;) made->fields[i] = packed(fields[i].type, pop_value());
    }
    return push(reference(made));
  }
  const ValType& field = fields[instr.b].type;
  const Value value = number == 5 ? pop_value() : Value{};
  const std::uint64_t at = pop();
  if (!at) return trap("null structure reference");
  Value& cell = object(at).fields[instr.b];
  if (number == 5) {
    cell = packed(field, value);
  } else {
    stack_.push_back(unpacked(field, cell, number == 3));
  }
}

void Machine::array_copy(const Instr& instr) {
  const std::uint64_t count = pop(), from_at = pop(), from = pop(), to_at = pop(), to = pop();
  if (!from || !to) return trap("null array reference");
  std::vector<Value>&source = object(from).fields, &target = object(to).fields;
  if (to_at + count > target.size() || from_at + count > source.size()) return trap(kArrayBounds);
  const std::vector<Value> moved(source.begin() + static_cast<std::ptrdiff_t>(from_at),
                                 source.begin() + static_cast<std::ptrdiff_t>(from_at + count));
  std::copy(moved.begin(), moved.end(), target.begin() + static_cast<std::ptrdiff_t>(to_at));
}

/// array.new_data, array.new_elem, array.init_data, array.init_elem
void Machine::array_from_segment(const Instr& instr, std::uint32_t number) {
  const std::uint32_t type = instance().types[instr.a];
  const ValType element = store_.types_[type].members[0].type;
  const bool is_data = number == 9 || number == 18, is_new = number < 18;
  const std::uint64_t count = pop(), from = pop(), to_at = is_new ? 0 : pop(), to = is_new ? 0 : pop();
  if (!is_new) {
    if (!to) return trap("null array reference");
    if (to_at + count > object(to).fields.size()) return trap(kArrayBounds);
  }
  const unsigned width = is_data ? width_of(element) : 1;
  const std::uint64_t available =
      is_data ? instance().data[instr.b].size() : instance().elements[instr.b].size();
  if (from + count * width > available) return trap(is_data ? kMemoryBounds : kTableBounds);
  Object* target = is_new ? allocate(Object::Kind::array, type, count) : &object(to);
  if (!target) return;
  for (std::uint64_t i = 0; i < count; ++i) {
    Value value;
    if (is_data) {
      std::memcpy(&value, instance().data[instr.b].data() + from + i * width, width);
    } else {
      value.low = instance().elements[instr.b][from + i];
    }
    target->fields[to_at + i] = value;
  }
  if (is_new) push(reference(target));
}

void Machine::array(const Instr& instr, std::uint32_t number) {
  if (number == 15) {
    const std::uint64_t at = pop();
    return at ? push(object(at).fields.size()) : trap("null array reference");
  }
  if (number == 17) return array_copy(instr);
  if (number == 9 || number == 10 || number >= 18) return array_from_segment(instr, number);
  const std::uint32_t type = instance().types[instr.a];
  const ValType element = store_.types_[type].members[0].type;
  if (number <= 8) {  // array.new, array.new_default, array.new_fixed
    const std::uint64_t count = number == 8 ? instr.b : pop();
    const Value initial = number == 6 ? packed(element, pop_value()) : Value{};
    Object* made = allocate(Object::Kind::array, type, count);
    if (!made) return;
    for (std::uint64_t i = count; i-- > 0;)
      made->fields[i] = number == 8 ? packed(element, pop_value()) : initial;
    return push(reference(made));
  }
  const std::uint64_t count = number == 16 ? pop() : 1;
  const Value value = number == 14 || number == 16 ? packed(element, pop_value()) : Value{};
  const std::uint64_t index = pop(), at = pop();
  if (!at) return trap("null array reference");
  std::vector<Value>& fields = object(at).fields;
  if (index + count > fields.size()) return trap(kArrayBounds);
  if (number < 14) return stack_.push_back(unpacked(element, fields[index], number == 12));
  for (std::uint64_t i = 0; i < count; ++i) fields[index + i] = value;
}

void Machine::object_instruction(const Instr& instr) {
  const std::uint32_t number = instr.op & 0xfff;
  if (number <= 5) return structure(instr, number);
  if (number <= 19) return array(instr, number);
  const ValType target = resolve(instr.type, instance().types);
  switch (number) {
    case 20:
    case 21: return push(store_.has_type(pop(), target));
    case 22:
    case 23:
      if (!store_.has_type(stack_.back().low, target)) trap("cast failure");
      return;
    case 24:
    case 25:
      if (store_.has_type(stack_.back().low, target) == (number == 24)) branch(instr.a);
      return;
    case 26:
    case 27: return;  // the representation is the same
    case 28: return push((pop() << 1 & 0xffffffff) | 1);
    default: {
      const std::uint64_t value = pop();
      if (!value) return trap("null i31 reference");
      const auto bits = static_cast<std::uint32_t>(value);
      return push(number == 29 ? static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 1)
                               : bits >> 1);
    }
  }
}

}  // namespace nebulet::reference
