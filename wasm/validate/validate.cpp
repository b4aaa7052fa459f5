// SPDX-License-Identifier: MIT
#include "wasm/validate/validate.h"

#include "wasm/validate/walker.h"

namespace nebulet::wasm {
namespace {

/// Wants to know nothing: what is left of the walk is validation.
struct NullVisitor {
  static constexpr bool kAggregates = true, kFunctionReferences = true;
  struct Value {};
  struct Label {};
  using Operands = std::span<Slot<Value>>;

  void begin(const Locals&, Label&) {}
  void at(std::uint32_t) {}

  Value constant(ValType, std::uint64_t) { return {}; }
  Value unary(Opcode, Value) { return {}; }
  Value binary(Opcode, Value, Value) { return {}; }
  Value select(ValType, Value, Value, Value) { return {}; }
  Value local_get(std::uint32_t) { return {}; }
  void local_set(std::uint32_t, Value) {}
  Value global_get(std::uint32_t, ValType) { return {}; }
  void global_set(std::uint32_t, ValType, Value) {}

  Value vector(Opcode, std::uint32_t, Value, Value, Value) { return {}; }
  Value vector_constant(std::uint64_t, std::uint64_t) { return {}; }
  Value shuffle(const std::array<std::uint8_t, 16>&, Value, Value) { return {}; }
  Value vector_load(Opcode, MemArg, Value) { return {}; }
  /// Lane, address, vector.
  Value load_lane(Opcode, MemArg, std::uint32_t, Value, Value) { return {}; }
  void store_lane(Opcode, MemArg, std::uint32_t, Value, Value) {}

  Value load(Opcode, MemArg, Value) { return {}; }
  void store(Opcode, MemArg, Value, Value) {}
  /// Every instruction of opcodes_atomic.def; the operands behind the address are those of AtomicForm.
  Value atomic(Opcode, MemArg, Value, Value, Value) { return {}; }
  void atomic_fence() {}
  WidePair<Value> wide(Opcode, const WideOperands<Value>&) { return {}; }
  Value memory_size(std::uint32_t) { return {}; }
  Value memory_grow(std::uint32_t, Value) { return {}; }
  void memory_fill(std::uint32_t, Value, Value, Value) {}
  void memory_copy(std::uint32_t, std::uint32_t, Value, Value, Value) {}
  void memory_init(std::uint32_t, std::uint32_t, Value, Value, Value) {}
  void data_drop(std::uint32_t) {}

  Value ref_is_null(Value) { return {}; }
  /// The type is that of the result.
  Value ref_as_non_null(ValType, Value) { return {}; }
  /// The first type is the operand's, the second the tested one.
  Value ref_test(ValType, ValType, Value) { return {}; }
  Value ref_cast(ValType, ValType, Value) { return {}; }
  Value ref_func(std::uint32_t) { return {}; }
  Value table_get(std::uint32_t, Value) { return {}; }
  void table_set(std::uint32_t, Value, Value) {}
  Value table_size(std::uint32_t) { return {}; }
  Value table_grow(std::uint32_t, Value, Value) { return {}; }
  void table_fill(std::uint32_t, Value, Value, Value) {}
  void table_copy(std::uint32_t, std::uint32_t, Value, Value, Value) {}
  void table_init(std::uint32_t, std::uint32_t, Value, Value, Value) {}
  void elem_drop(std::uint32_t) {}

  // Structures, arrays and i31, for visitors with kAggregates. Types and segments first, then operands in the
  // order of the stack. A value for a packed field is an i32 of which only the low bits count.
  Value ref_eq(Value, Value) { return {}; }
  Value ref_i31(Value) { return {}; }
  Value i31_get(Opcode, Value) { return {}; }
  Value convert(Opcode, Value) { return {}; }
  Value struct_new(std::uint32_t, Operands) { return {}; }
  Value struct_new_default(std::uint32_t) { return {}; }
  Value struct_get(Opcode, std::uint32_t, std::uint32_t, Value) { return {}; }
  void struct_set(std::uint32_t, std::uint32_t, Value, Value) {}
  Value array_new(std::uint32_t, Value, Value) { return {}; }
  Value array_new_default(std::uint32_t, Value) { return {}; }
  Value array_new_fixed(std::uint32_t, Operands) { return {}; }
  Value array_new_data(std::uint32_t, std::uint32_t, Value, Value) { return {}; }
  Value array_new_elem(std::uint32_t, std::uint32_t, Value, Value) { return {}; }
  Value array_get(Opcode, std::uint32_t, Value, Value) { return {}; }
  void array_set(std::uint32_t, Value, Value, Value) {}
  Value array_len(Value) { return {}; }
  void array_fill(std::uint32_t, Value, Value, Value, Value) {}
  /// The types of destination and source.
  void array_copy(std::uint32_t, std::uint32_t, Value, Value, Value, Value, Value) {}
  void array_init_data(std::uint32_t, std::uint32_t, Value, Value, Value, Value) {}
  void array_init_elem(std::uint32_t, std::uint32_t, Value, Value, Value, Value) {}

  Value call(std::uint32_t, const FuncType&, Operands) { return {}; }
  Value call_ref(std::uint32_t, const FuncType&, Value, Operands) { return {}; }
  Value call_indirect(std::uint32_t, std::uint32_t, const FuncType&, Value, Operands) { return {}; }
  Value result(Value, std::uint32_t, ValType) { return {}; }
  void throw_(std::uint32_t, Operands) {}
  void throw_ref(Value) {}
  void return_call(std::uint32_t, Operands) {}
  void return_call_ref(std::uint32_t, Value, Operands) {}
  void return_call_indirect(std::uint32_t, std::uint32_t, Value, Operands) {}

  /// A block starts; loop and if also get the parameters. `body` is where the loop's first instruction is.
  void block(Label&) {}
  void loop(Label&, Operands, std::uint32_t) {}
  void if_(Label&, Value, Operands) {}
  /// The first arm ended with `results`, if `reached`; the second starts.
  void else_(Label&, Operands, bool) {}
  /// A block or the function ended with `results`, if `reached`; they become what the code behind it sees.
  /// Returns whether that code can be reached.
  bool end(Label&, Operands, bool) { return true; }

  /// A try or try_table starts.
  void try_(Label&) {}
  /// A try_table ended, like `end`. `label_at` gives the label of a clause's target.
  bool end_try_table(Label&, Operands, bool, std::span<const CatchClause>, auto label_at) { return true; }
  /// An arm of a try ended with `results`, if `reached`; a handler starts, which one of the next two names.
  /// Returns whether anything can be thrown to it.
  bool begin_catch(Label&, Operands, bool) { return true; }
  void catch_(Label&, std::uint32_t, Operands) {}
  void catch_all(Label&) {}
  /// A try ended, like `end`; with `delegate` what is thrown in it goes on to the last label's handler.
  bool end_try(Label&, Operands, bool) { return true; }
  bool delegate(Label&, Operands, bool, const Label&) { return true; }
  void rethrow(const Label&) {}

  void br(Label&, Operands) {}
  void br_if(Label&, Value, Operands) {}
  /// The last depth is the default. `label_at` gives a depth's label.
  void br_table(Value, std::span<const std::uint32_t>, Operands, auto label_at) {}
  void br_on_null(Label&, Value, Operands) {}
  /// The last operand is the reference.
  void br_on_non_null(Label&, Operands) {}
  /// Branches if the last operand, of the first type, is of the second one; or, if `on_failure`, if it is
  /// not.
  void br_on_cast(Label&, ValType, ValType, bool, Operands) {}
  void return_(Operands) {}
  void unreachable() {}
};

}  // namespace

Result<> validate_function(const Module& module, std::uint32_t defined_index, Arena& scratch) {
  const std::uint32_t function = module.imported_functions + defined_index;
  const FunctionDecl& decl = module.functions[function];
  NullVisitor visitor;
  Fuel fuel(decl.body_end - decl.body_begin);
  return Walker<NullVisitor>(module, function, visitor, fuel, scratch).run();
}

}  // namespace nebulet::wasm
