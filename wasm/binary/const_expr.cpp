// SPDX-License-Identifier: MIT
// Constant expressions (spec 3.3.10) with the arithmetic of the extended-const proposal.
#include "wasm/binary/module_decoder.h"
#include "wasm/binary/opcodes.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

ConstExpr ModuleDecoder::const_expr(ValType expected) {
  ConstExpr expr{section_.position(), 0};
  const_stack_.clear();
  while (ok()) {
    if (section_.peek() == static_cast<std::uint8_t>(Opcode::end) && !section_.at_end()) {
      const std::uint32_t at = section_.position();
      section_.byte();
      if (const_stack_.size() != 1 || const_stack_[0] != expected) invalid(at, "type mismatch");
      break;
    }
    const_instruction(const_stack_);
  }
  expr.end = section_.position();
  return expr;
}

/// One instruction other than `end`.
bool ModuleDecoder::const_instruction(std::vector<ValType>& stack) {
  const std::uint32_t at = section_.position();
  std::uint32_t code = section_.byte();
  if (code >= 0xfb && code <= 0xfe) code = code << 12 | (section_.u32() & 0xfff);
  if (!ok()) return false;
  switch (const auto op = static_cast<Opcode>(code)) {
    case Opcode::i32_const:
      section_.s32();
      stack.push_back(kI32);
      return ok();
    case Opcode::i64_const:
      section_.s64();
      stack.push_back(kI64);
      return ok();
    case Opcode::f32_const:
      section_.f32();
      stack.push_back(kF32);
      return ok();
    case Opcode::f64_const:
      section_.f64();
      stack.push_back(kF64);
      return ok();
    case Opcode::v128_const:
      section_.skip(16);
      stack.push_back(kV128);
      return ok();
    case Opcode::ref_null: stack.push_back({ValType::Kind::ref, true, read_heap_type(section_)}); return ok();
    case Opcode::ref_func: {
      std::uint32_t function = 0;
      function_index(function);
      if (ok()) module_.functions[function].declared = true;
      stack.push_back(kFuncRef);
      return ok();
    }
    case Opcode::global_get: {
      const std::uint32_t global = index(module_.globals.size(), "unknown global");
      if (!ok()) return false;
      if (module_.globals[global].type.is_mutable) return invalid(at, "constant expression required");
      stack.push_back(module_.globals[global].type.type);
      return true;
    }
    case Opcode::i32_add:
    case Opcode::i32_sub:
    case Opcode::i32_mul:
    case Opcode::i64_add:
    case Opcode::i64_sub:
    case Opcode::i64_mul: {
      const ValType type{opcode_info(op).result};
      if (stack.size() < 2 || stack.back() != type || stack[stack.size() - 2] != type)
        return invalid(at, "type mismatch");
      stack.pop_back();
      return true;
    }
    default:
      if (opcode_info(op).shape == OpcodeShape::illegal) return fail_opcode(section_, at, code);
      return invalid(at, "constant expression required");
  }
}

}  // namespace nebulet::wasm
