// SPDX-License-Identifier: MIT
#include "wasm/runtime/const_eval.h"

#include <algorithm>

#include "base/result.h"
#include "wasm/binary/opcodes.h"
#include "wasm/binary/reader.h"
#include "wasm/runtime/gc_store.h"

namespace nebulet::wasm {
namespace {

constexpr std::uint32_t kLow = 0xffffffff;

}  // namespace

Result<Value> ConstEvaluator::evaluate(const ConstExpr& expression) {
  Reader reader(instance_.module().bytes, expression.begin, expression.end);
  stack_.clear();
  bool valid = true;
  while (valid && reader.ok() && !reader.at_end()) {
    std::uint32_t code = reader.byte();
    if (code >= 0xfb && code <= 0xfd) code = code << 12 | std::min<std::uint32_t>(reader.u32(), 0xfff);
    switch (static_cast<Opcode>(code)) {
      case Opcode::end:
        if (stack_.size() != 1) valid = false;
        if (valid) return stack_[0];
        break;
      case Opcode::global_get: valid = global(reader.u32()); break;
      case Opcode::i32_const: stack_.push_back({.low = static_cast<std::uint32_t>(reader.s32())}); break;
      case Opcode::i64_const: stack_.push_back({.low = static_cast<std::uint64_t>(reader.s64())}); break;
      case Opcode::f32_const: stack_.push_back({.low = reader.f32()}); break;
      case Opcode::f64_const: stack_.push_back({.low = reader.f64()}); break;
      case Opcode::v128_const: {
        const std::uint64_t low = reader.f64(), high = reader.f64();
        stack_.push_back({.low = low, .high = high});
        break;
      }
      case Opcode::i32_add:
      case Opcode::i32_sub:
      case Opcode::i32_mul:
      case Opcode::i64_add:
      case Opcode::i64_sub:
      case Opcode::i64_mul: valid = arithmetic(code); break;
      case Opcode::ref_null:
        reader.s33();
        stack_.push_back({});
        break;
      case Opcode::ref_func: valid = reference_to(reader.u32()); break;
      case Opcode::ref_i31: {
        Value value;
        valid = pop(value);
        stack_.push_back({.low = (value.low << 1 | 1) & kLow});
        break;
      }
      case Opcode::any_convert_extern:
      case Opcode::extern_convert_any: break;  // one representation
      default: valid = TRY(aggregate(code, reader));
    }
  }
  return std::unexpected(Error{
      .kind = Error::Kind::invalid, .offset = expression.begin, .message = "constant expression required"});
}

bool ConstEvaluator::pop(Value& value) {
  if (stack_.empty()) return false;
  value = stack_.back();
  stack_.pop_back();
  return true;
}

bool ConstEvaluator::arithmetic(std::uint32_t opcode) {
  Value right, left;
  if (!pop(right) || !pop(left)) return false;
  const std::uint64_t a = left.low, b = right.low;
  const auto op = static_cast<Opcode>(opcode);
  const bool narrow = op == Opcode::i32_add || op == Opcode::i32_sub || op == Opcode::i32_mul;
  const std::uint64_t result = op == Opcode::i32_add || op == Opcode::i64_add   ? a + b
                               : op == Opcode::i32_sub || op == Opcode::i64_sub ? a - b
                                                                                : a * b;
  stack_.push_back({.low = narrow ? result & kLow : result});
  return true;
}

bool ConstEvaluator::reference_to(std::uint32_t function) {
  if (function >= instance_.module().functions.size()) return false;
  stack_.push_back({.low = instance_.ref_base() + function});
  return true;
}

bool ConstEvaluator::global(std::uint32_t index) {
  const Module& module = instance_.module();
  if (index >= module.globals.size()) return false;
  stack_.push_back(instance_.global_cell(index));
  return true;
}

/// False if the instruction is none of a constant expression.
Result<bool> ConstEvaluator::aggregate(std::uint32_t opcode, Reader& reader) {
  const auto op = static_cast<Opcode>(opcode);
  const bool known = op == Opcode::struct_new || op == Opcode::struct_new_default ||
                     op == Opcode::array_new || op == Opcode::array_new_default ||
                     op == Opcode::array_new_fixed;
  if (!known) return false;
  const std::uint32_t type = reader.u32();
  if (type >= instance_.module().types.size()) return false;
  StoreGc* gc = instance_.store().gc();
  if (!gc) return false;  // an instance whose module has such types made it
  GcRef made = 0;
  Value length, value;
  switch (op) {
    case Opcode::struct_new:
    case Opcode::array_new_fixed: {
      const std::size_t count =
          op == Opcode::struct_new ? instance_.module().types[type].fields.size() : reader.u32();
      if (stack_.size() < count) return false;
      const std::span<const Value> operands = std::span(stack_).last(count);
      made = op == Opcode::struct_new ? gc->make_structure(instance_, type, operands)
                                      : gc->make_array(instance_, type, operands);
      stack_.resize(stack_.size() - count);
      break;
    }
    case Opcode::struct_new_default: made = gc->make_structure(instance_, type); break;
    default:
      if (!pop(length) || (op == Opcode::array_new && !pop(value))) return false;
      made = gc->make_array(instance_, type, static_cast<std::uint32_t>(length.low), value);
  }
  if (made == 0)
    return std::unexpected(Error{.kind = Error::Kind::out_of_memory,
                                 .offset = reader.position(),
                                 .message = "no memory for an object of a constant expression"});
  stack_.push_back({.low = made});
  return true;
}

}  // namespace nebulet::wasm
