// SPDX-License-Identifier: MIT
// Constant expressions (spec 3.3.10), with the extended arithmetic and the allocations of garbage collection.
#include <algorithm>

#include "wasm/binary/limits.h"
#include "wasm/binary/module_decoder.h"
#include "wasm/binary/opcodes.h"
#include "wasm/binary/subtype.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

ConstExpr ModuleDecoder::const_expr(ValType expected) {
  ConstExpr expr{section_.position(), 0};
  const_stack_.clear();
  while (ok()) {
    if (section_.peek() == static_cast<std::uint8_t>(Opcode::end) && !section_.at_end()) {
      const std::uint32_t at = section_.position();
      section_.byte();
      if (const_stack_.size() != 1 || !is_subtype(module_, const_stack_[0], expected))
        invalid(at, "type mismatch: the constant expression does not give one " + type_name(expected));
      break;
    }
    const_instruction();
  }
  expr.end = section_.position();
  return expr;
}

/// Takes an operand of a type; false, and an error, if there is none.
bool ModuleDecoder::const_pop(ValType expected) {
  if (!ok()) return false;
  if (const_stack_.empty() || !is_subtype(module_, const_stack_.back(), expected))
    return invalid(section_.position(), "type mismatch: expected " + type_name(expected));
  const_stack_.pop_back();
  return true;
}

/// One instruction other than `end`.
void ModuleDecoder::const_instruction() {
  const std::uint32_t at = section_.position();
  std::uint32_t code = section_.byte();
  if (code >= 0xfb && code <= 0xfe) code = code << 12 | std::min<std::uint32_t>(section_.u32(), 0xfff);
  if (!ok()) return;
  switch (const auto op = static_cast<Opcode>(code)) {
    case Opcode::i32_const:
      section_.s32();
      const_stack_.push_back(kI32);
      return;
    case Opcode::i64_const:
      section_.s64();
      const_stack_.push_back(kI64);
      return;
    case Opcode::f32_const:
      section_.f32();
      const_stack_.push_back(kF32);
      return;
    case Opcode::f64_const:
      section_.f64();
      const_stack_.push_back(kF64);
      return;
    case Opcode::v128_const:
      section_.skip(16);
      const_stack_.push_back(kV128);
      return;
    case Opcode::ref_null:
      const_stack_.push_back(ref_type(read_heap_type(section_, module_.types.size()), true));
      return;
    case Opcode::ref_func: {
      std::uint32_t function = 0;
      function_index(function);
      if (!ok()) return;
      module_.functions[function].declared = true;
      const_stack_.push_back(ref_type({module_.functions[function].type}, false));
      return;
    }
    case Opcode::global_get: {
      const std::uint32_t global = index(module_.globals.size(), "unknown global");
      if (!ok()) return;
      if (module_.globals[global].type.is_mutable) invalid(at, "constant expression required");
      const_stack_.push_back(module_.globals[global].type.type);
      return;
    }
    case Opcode::i32_add:
    case Opcode::i32_sub:
    case Opcode::i32_mul:
    case Opcode::i64_add:
    case Opcode::i64_sub:
    case Opcode::i64_mul: {
      const ValType type{opcode_info(op).result};
      if (const_pop(type) && const_pop(type)) const_stack_.push_back(type);
      return;
    }
    case Opcode::ref_i31:
      if (const_pop(kI32)) const_stack_.push_back(ref_type(kI31Heap, false));
      return;
    case Opcode::any_convert_extern:
    case Opcode::extern_convert_any: {
      const bool to_any = op == Opcode::any_convert_extern;
      const bool nullable = const_stack_.empty() || const_stack_.back().nullable;
      if (const_pop(ref_type(to_any ? kExternHeap : kAnyHeap, true)))
        const_stack_.push_back(ref_type(to_any ? kAnyHeap : kExternHeap, nullable));
      return;
    }
    case Opcode::struct_new:
    case Opcode::struct_new_default:
    case Opcode::array_new:
    case Opcode::array_new_default:
    case Opcode::array_new_fixed: return const_aggregate(op);
    default:
      if (opcode_info(op).shape == OpcodeShape::illegal)
        fail_opcode(section_, at, code);
      else
        invalid(at, "constant expression required");
  }
}

void ModuleDecoder::const_aggregate(Opcode op) {
  const std::uint32_t at = section_.position();
  const bool is_struct = op == Opcode::struct_new || op == Opcode::struct_new_default;
  const std::uint32_t type = index(module_.types.size(), "unknown type");
  if (!ok()) return;
  const TypeDef& def = module_.types[type];
  if (def.kind != (is_struct ? TypeDef::Kind::structure : TypeDef::Kind::array)) {
    invalid(at, with_number(
                    is_struct ? "type mismatch: not a structure type:" : "type mismatch: not an array type:",
                    type));
    return;
  }
  switch (op) {
    case Opcode::struct_new:
      for (std::size_t i = def.fields.size(); i > 0 && ok(); --i) const_pop(def.fields[i - 1].type);
      break;
    case Opcode::array_new:
      if (const_pop(kI32)) const_pop(def.fields[0].type);
      break;
    case Opcode::array_new_fixed: {
      const std::uint32_t count = section_.u32();
      if (ok() && count > kMaxArrayNewFixed)
        section_.fail(Error::Kind::limit, at, "too many operands of array.new_fixed");
      for (std::uint32_t i = 0; i < count && ok(); ++i) const_pop(def.fields[0].type);
      break;
    }
    default:
      if (is_struct ? !def.has_defaults : !is_defaultable(def.fields[0].type))
        invalid(at, "type mismatch: a field has no default value");
      if (op == Opcode::array_new_default) const_pop(kI32);
  }
  const_stack_.push_back(ref_type({type}, false));
}

}  // namespace nebulet::wasm
