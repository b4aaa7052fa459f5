// SPDX-License-Identifier: MIT
// The one walk over a function body: decodes, validates (spec appendix A.3) and tells a visitor what happens.
// Knows nothing of IR. The instructions' own rules are in walker_instructions.h.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "wasm/binary/limits.h"
#include "wasm/binary/module.h"
#include "wasm/binary/opcodes.h"
#include "wasm/binary/subtype.h"
#include "wasm/binary/type_reader.h"
#include "wasm/validate/block_type.h"
#include "wasm/validate/fuel.h"
#include "wasm/validate/initialized.h"
#include "wasm/validate/locals.h"

namespace nebulet::wasm {

/// An entry of the operand stack: its type, and what the visitor made of it.
template <class Value>
struct Slot {
  ValType type;
  [[no_unique_address]] Value value{};
};

/// A clause of a try_table.
struct CatchClause {
  bool all = false, with_ref = false;
  std::uint32_t tag = 0;     ///< unless all
  std::uint32_t target = 0;  ///< the block, counted from the function's
};
constexpr ValType kExnRef = ref_type(kExnHeap, true), kCaughtRef = ref_type(kExnHeap, false);

struct MemArg {
  std::uint32_t memory = 0;
  std::uint64_t offset = 0;
  std::uint8_t alignment = 0;  ///< log2
};

/// The operands of 128-bit arithmetic; a multiplication has the low ones only.
template <class Value>
struct WideOperands {
  Value a_low{}, a_high{}, b_low{}, b_high{};
};
template <class Value>
struct WidePair {
  Value low{}, high{};
};

/// A visitor has
///   kAggregates, kFunctionReferences   whether it has the functions for structures and arrays, and for calls
///   by
///           reference and casts; else these are refused
///   Value   what it keeps for an operand; trivially copyable, default-constructible
///   Label   what it keeps for a block; likewise
/// and the member functions that NullVisitor (validate.cpp) lists. They are called for code that can be
/// reached only, with operands that were all produced by such calls, and never after an error.
template <class Visitor>
class Walker {
 public:
  using Value = typename Visitor::Value;
  using Label = typename Visitor::Label;
  using Operand = Slot<Value>;
  static constexpr bool kCasts = Visitor::kFunctionReferences || Visitor::kAggregates;
  /// Whether the visitor wants to see the stack before each instruction, and every operand that is popped.
  static constexpr bool kTracksStack = requires { requires Visitor::kTracksStack; };
  enum class Kind : std::uint8_t { function, block, loop, if_, else_, try_table, try_, catch_, catch_all };

  /// `function` is an index in the module's function index space, of a defined one.
  Walker(const Module& module, std::uint32_t function, Visitor& visitor, Fuel& fuel, Arena& arena)
      : module_(module),
        decl_(module.functions[function]),
        visitor_(visitor),
        fuel_(fuel),
        reader_(module.bytes, decl_.body_begin, decl_.body_end),
        locals_(arena, decl_.body_end - decl_.body_begin),
        stack_(arena, Growth::gives_back),
        control_(arena, Growth::gives_back),
        saved_(arena, Growth::gives_back),
        targets_(arena),
        clauses_(arena),
        field_types_(arena),
        initialized_(arena) {}

  Result<> run() {
    locals_.read(module_.func_type(decl_.type).params, reader_, module_.types.size());
    Control& outermost = push_control(Kind::function, {decl_.type}, 0);
    if (reader_.ok()) visitor_.begin(locals_, outermost.label);
    while (!control_.empty() && reader_.ok()) {
      step();
      if (fuel_.exhausted()) [[unlikely]]
        reader_.fail(Error::Kind::limit, position_, "function exceeds the compile budget");
    }
    if (reader_.ok() && !reader_.at_end()) reader_.malformed("section size mismatch");
    if (!reader_.ok()) return std::unexpected(reader_.take_error());
    return {};
  }

 private:
  struct Control {
    Kind kind;
    bool polymorphic = false;  ///< the rest of the block cannot be reached: its stack has any type
    bool live;                 ///< its start can be reached
    BlockType type;
    std::uint32_t height;          ///< of the operand stack at its start, without its parameters
    std::uint32_t saved = 0;       ///< if: where its parameters are in saved_; try_table: in clauses_
    std::uint32_t initialized;     ///< mark of initialized_ at its start
    std::uint32_t checked_at = 0;  ///< position of the last br_table that looked at it
    [[no_unique_address]] Label label{};
  };

  void step();
  void special(Opcode op);
  bool control_instruction(Opcode op);
  bool variable_instruction(Opcode op);
  bool table_instruction(Opcode op);
  bool reference_instruction(Opcode op);
  void branch_on_cast(bool on_failure);
  /// Refuses casts that the visitor does not know.
  bool casts(ValType to) {
    const bool of_functions = module_.is_func_heap(to.heap);
    if (of_functions ? Visitor::kFunctionReferences : Visitor::kAggregates) return true;
    return fail_unsupported(reader_, position_,
                            of_functions ? "typed function references" : "garbage collection");
  }
  bool aggregate_instruction(Opcode op);
  void scalar_instruction(Opcode op);
  void struct_instruction(Opcode op);
  void array_new_instruction(Opcode op);
  void array_instruction(Opcode op);
  void check_packing(const FieldType& field, bool extended);
  void check_array_source(const FieldType& field, bool from_data, std::uint32_t segment);
  std::uint32_t array_type();
  void memory_instruction(Opcode op);
  bool atomic_instruction(Opcode op);
  bool wide_instruction(Opcode op);

  void begin_block(Kind kind);
  void begin_else();
  void end_block();
  void branch_table();
  void call(const FuncType& type, auto emit);
  void tail_call(Opcode op);
  void leave_by(const FuncType& type, auto emit);
  bool exception_instruction(Opcode op);
  void begin_try_table();
  void read_clause();
  void begin_catch(Opcode op);
  void end_by_delegate();
  bool end_handlers(Control& block, std::span<Operand> results);
  void select(bool typed);
  MemArg memarg(std::uint8_t alignment);
  void vector_instruction(Opcode op, const OpcodeInfo& info);
  std::uint32_t lane_index(unsigned lanes);

  /// Code that is reached and so far without error: the visitor is told.
  bool emit() const { return live_ && reader_.ok(); }
  bool invalid(std::string_view message) { return reader_.fail(Error::Kind::invalid, position_, message); }
  std::uint32_t index(std::size_t size, std::string_view unknown) {
    const std::uint32_t i = reader_.u32();
    if (i >= size && reader_.ok()) invalid(with_number(unknown, i));
    return reader_.ok() ? i : 0;
  }
  std::uint32_t type_index(TypeDef::Kind kind, std::string_view wrong) {
    const std::uint32_t i = index(module_.types.size(), "unknown type");
    if (reader_.ok() && module_.types[i].kind != kind) invalid(with_number(wrong, i));
    return i;
  }
  std::uint32_t function_type_index() {
    return type_index(TypeDef::Kind::function, "type mismatch: not a function type:");
  }
  std::uint32_t memory_index() { return index(module_.memories.size(), "unknown memory"); }
  /// The type of addresses; of no meaning after an error.
  ValType address_type(std::uint32_t memory) const {
    return memory < module_.memories.size() && module_.memories[memory].limits.is_64 ? kI64 : kI32;
  }
  ValType index_type(std::uint32_t table) const {
    return table < module_.tables.size() && module_.tables[table].type.limits.is_64 ? kI64 : kI32;
  }
  static ValType smaller(ValType a, ValType b) { return a == kI32 ? a : b; }
  std::uint32_t tag_index() { return index(module_.tags.size(), "unknown tag"); }
  std::uint32_t table_index() { return index(module_.tables.size(), "unknown table"); }
  std::uint32_t data_index() {
    const std::uint32_t i = reader_.u32();
    if (reader_.ok() && !module_.data_count)
      reader_.fail(Error::Kind::malformed, position_, "data count section required");
    else if (reader_.ok() && i >= *module_.data_count)
      invalid(with_number("unknown data segment", i));
    return i;
  }
  std::uint32_t element_index() { return index(module_.elements.size(), "unknown elem segment"); }
  std::uint32_t local_index() { return index(locals_.size(), "unknown local"); }

  void push(ValType type, Value value = {}) { stack_.push_back({type, value}); }
  Operand pop_any();
  /// The topmost operand's value as it lies on the stack, which stays good where a visitor sees what is
  /// popped.
  Value top_value() const {
    return stack_.size() == control_.back().height ? Value{} : stack_[stack_.size() - 1].value;
  }
  Operand pop(ValType expected) {
    Operand operand = pop_any();
    if (!is_subtype(module_, operand.type, expected)) mismatch(expected, operand.type);
    return operand;
  }
  Operand pop_reference();
  bool check_top(std::span<const ValType> types);
  std::span<Operand> take_top(std::span<const ValType> types);
  std::span<Operand> take_results(const Control& block);
  void drop(std::size_t count) { stack_.resize(stack_.size() - static_cast<std::uint32_t>(count)); }
  void mismatch(ValType expected, ValType found);

  Control& push_control(Kind kind, BlockType type, std::size_t params) {
    control_.push_back({.kind = kind,
                        .live = live_,
                        .type = type,
                        .height = stack_.size() - static_cast<std::uint32_t>(params),
                        .initialized = initialized_.mark()});
    if constexpr (requires { Label::height; })
      control_.back().label.height = control_.back().height + visitor_.reserved();
    return control_.back();
  }
  /// The block `depth` levels out, or null after an error.
  Control* target(std::uint32_t depth) {
    if (!reader_.ok()) return nullptr;
    if (depth < control_.size()) return &control_[control_.size() - 1 - depth];
    invalid("unknown label");
    return nullptr;
  }
  BlockTypes label_types(const Control& block) const {
    return block.kind == Kind::loop ? block.type.params(module_) : block.type.results(module_);
  }
  void unreachable() {
    Control& block = control_.back();
    stack_.resize(block.height);
    block.polymorphic = true;
    live_ = false;
  }

  const Module& module_;
  const FunctionDecl& decl_;
  Visitor& visitor_;
  Fuel& fuel_;
  Reader reader_;
  Locals locals_;
  ArenaVector<Operand> stack_;
  ArenaVector<Control> control_;
  ArenaVector<Operand> saved_;          ///< parameters of the open ifs
  ArenaVector<std::uint32_t> targets_;  ///< of the current br_table
  ArenaVector<CatchClause> clauses_;    ///< of the open try_tables
  ArenaVector<ValType> field_types_;    ///< of the current struct.new or array.new_fixed
  InitializedLocals initialized_;
  std::uint32_t position_ = 0;  ///< of the current instruction
  bool live_ = true;            ///< the current instruction can be reached
};

template <class Visitor>
void Walker<Visitor>::step() {
  position_ = reader_.position();
  visitor_.at(position_);
  std::uint32_t code = reader_.byte();
  if (code >= 0xfb && code <= 0xfe) {
    const std::uint32_t number = reader_.u32();
    code = code << 12 | (number < 0xfff ? number : 0xfff);
  }
  if (!reader_.ok()) return;
  const auto op = static_cast<Opcode>(code);
  const OpcodeInfo& info = opcode_info(op);
  if constexpr (kTracksStack)
    if (live_) visitor_.before(op, stack_.span());
  switch (info.shape) {
    case OpcodeShape::special: return special(op);
    case OpcodeShape::unary: {
      const Value a = pop({info.operand}).value;
      push({info.result}, emit() ? visitor_.unary(op, a) : Value{});
      return;
    }
    case OpcodeShape::binary: {
      const Value b = pop({info.operand}).value;
      const Value a = pop({info.operand}).value;
      push({info.result}, emit() ? visitor_.binary(op, a, b) : Value{});
      return;
    }
    case OpcodeShape::load: {
      const MemArg where = memarg(info.alignment);
      const Value address = pop(address_type(where.memory)).value;
      push({info.result}, emit() ? visitor_.load(op, where, address) : Value{});
      return;
    }
    case OpcodeShape::store: {
      const MemArg where = memarg(info.alignment);
      const Value value = pop({info.operand}).value;
      const Value address = pop(address_type(where.memory)).value;
      if (emit()) visitor_.store(op, where, address, value);
      return;
    }
    case OpcodeShape::vector: return vector_instruction(op, info);
    case OpcodeShape::illegal: fail_opcode(reader_, position_, code); return;
  }
}

/// The topmost operand; of type bottom where the spec's stack is polymorphic, and after an error.
template <class Visitor>
typename Walker<Visitor>::Operand Walker<Visitor>::pop_any() {
  const Control& block = control_.back();
  if (stack_.size() == block.height) [[unlikely]] {
    if (!block.polymorphic) invalid("type mismatch: expected an operand on the stack");
    return {};
  }
  Operand operand = stack_.back();
  stack_.pop_back();
  if constexpr (kTracksStack)
    if (live_) operand.value = visitor_.popped(operand.value);
  return operand;
}

/// The topmost operand, which must be a reference; where anything could be, one below all others.
template <class Visitor>
typename Walker<Visitor>::Operand Walker<Visitor>::pop_reference() {
  Operand operand = pop_any();
  if (operand.type.kind == ValType::Kind::bottom)
    operand.type = ref_type(kBottomHeap, false);
  else if (!operand.type.is_ref())
    invalid("type mismatch: expected a reference, found " + type_name(operand.type));
  return operand;
}

/// Whether operands of `types` are on top of the stack, without taking them.
template <class Visitor>
bool Walker<Visitor>::check_top(std::span<const ValType> types) {
  const Control& block = control_.back();
  const std::size_t available = stack_.size() - block.height;
  if (available < types.size() && !block.polymorphic)
    return invalid("type mismatch: too few operands on the stack");
  const std::size_t n = available < types.size() ? available : types.size();
  if (!fuel_.spend(types.size() / 8)) return false;
  for (std::size_t i = 1; i <= n; ++i) {
    const ValType found = stack_[stack_.size() - i].type, expected = types[types.size() - i];
    if (!is_subtype(module_, found, expected)) {
      mismatch(expected, found);
      return false;
    }
  }
  return reader_.ok();
}

/// The operands of `types` on top of the stack, which stay there as operands of just these types; what a
/// polymorphic stack lacks is added. After an error as many operands of no meaning.
template <class Visitor>
std::span<typename Walker<Visitor>::Operand> Walker<Visitor>::take_top(std::span<const ValType> types) {
  const std::uint32_t n = static_cast<std::uint32_t>(types.size());
  if (!check_top(types)) {
    if (stack_.size() < n) stack_.resize(n);
  } else if (control_.back().polymorphic) {
    const std::uint32_t available = stack_.size() - control_.back().height;
    stack_.resize(available < n ? control_.back().height : stack_.size() - n);
    for (const ValType type : types) push(type);
  } else {
    for (std::uint32_t i = 0; i < n; ++i) stack_[stack_.size() - n + i].type = types[i];
  }
  return stack_.slice(stack_.size() - n, n);
}

/// The operands with which `block` ends; there may be no others.
template <class Visitor>
std::span<typename Walker<Visitor>::Operand> Walker<Visitor>::take_results(const Control& block) {
  const auto types = block.type.results(module_);
  const auto operands = take_top(types);
  if (reader_.ok() && stack_.size() != block.height + types.size())
    invalid("type mismatch: values remaining on stack at end of block");
  return operands;
}

template <class Visitor>
void Walker<Visitor>::mismatch(ValType expected, ValType found) {
  if (!reader_.ok()) return;
  std::string message = "type mismatch: expected ";
  message.append(type_name(expected)).append(", found ").append(type_name(found));
  invalid(message);
}

}  // namespace nebulet::wasm

#include "wasm/validate/walker_atomic.h"        // IWYU pragma: keep
#include "wasm/validate/walker_exceptions.h"    // IWYU pragma: keep
#include "wasm/validate/walker_gc.h"            // IWYU pragma: keep
#include "wasm/validate/walker_instructions.h"  // IWYU pragma: keep
#include "wasm/validate/walker_memory.h"        // IWYU pragma: keep
#include "wasm/validate/walker_reference.h"     // IWYU pragma: keep
#include "wasm/validate/walker_simd.h"          // IWYU pragma: keep
#include "wasm/validate/walker_tail_calls.h"    // IWYU pragma: keep
