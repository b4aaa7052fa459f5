// SPDX-License-Identifier: MIT
// What the instructions on structures, arrays and i31, and the casts become in the SSA form. Null is found by
// the access that faults; tests of types are branches, so that each is optimized on its own.
#pragma once

#include "wasm/binary/module.h"
#include "wasm/frontend/cells.h"
#include "wasm/frontend/ssa.h"
#include "wasm/validate/walker.h"

namespace nebulet::wasm {

/// The visitor's functions for aggregates. A base of the front end's visitor, which owns what it refers to.
/// `Ssa` is SsaBuilder or CellBuilder; with the latter no value outlives a block, so services do what takes
/// several blocks.
template <class Ssa>
class AggregateBuilder {
 public:
  using Value = ir::Value;
  using Operands = std::span<Slot<Value>>;
  static constexpr bool kAggregates = true;

  AggregateBuilder(const Module& module, ir::Function& function, Ssa& ssa)
      : module_(module), f_(function), ssa_(ssa) {}

  Value ref_eq(Value a, Value b);
  Value ref_i31(Value a);
  Value i31_get(Opcode op, Value a);
  Value convert(Opcode, Value a) { return a; }

  Value struct_new(std::uint32_t type, Operands fields);
  Value struct_new_default(std::uint32_t type);
  Value struct_get(Opcode op, std::uint32_t type, std::uint32_t field, Value object);
  void struct_set(std::uint32_t type, std::uint32_t field, Value object, Value value);

  Value array_new(std::uint32_t type, Value init, Value length);
  Value array_new_default(std::uint32_t type, Value length);
  Value array_new_fixed(std::uint32_t type, Operands elements);
  Value array_new_data(std::uint32_t type, std::uint32_t segment, Value from, Value n);
  Value array_new_elem(std::uint32_t type, std::uint32_t segment, Value from, Value n);
  Value array_get(Opcode op, std::uint32_t type, Value array, Value index);
  void array_set(std::uint32_t type, Value array, Value index, Value value);
  Value array_len(Value array);
  void array_fill(std::uint32_t type, Value array, Value index, Value value, Value n);
  void array_copy(std::uint32_t type, std::uint32_t from_type, Value array, Value index, Value from,
                  Value from_index, Value n);
  void array_init_data(std::uint32_t type, std::uint32_t segment, Value array, Value index, Value from,
                       Value n);
  void array_init_elem(std::uint32_t type, std::uint32_t segment, Value array, Value index, Value from,
                       Value n);

  Value ref_test(ValType from, ValType to, Value reference);
  Value ref_cast(ValType from, ValType to, Value reference);

 protected:
  /// i32: the answer of a service.
  Value test(ValType to, Value reference);
  /// Ends the block: to `yes` if `reference`, of type `from`, is of type `to`, else to `no`. Both get an
  /// edge.
  void branch_on_type(Value reference, ValType from, ValType to, ir::Block yes, ir::Block no);

 private:
  struct Place {
    ir::Type type;
    ir::Access load, store;
    bool traced;
  };
  Place place(const FieldType& field, bool is_signed = false) const;
  Value constant(ir::Type type, std::uint64_t bits);
  Value binary(ir::Op op, ir::Type type, Value a, Value b);
  Value equals(Value a, std::uint64_t bits);
  /// low | high << 32
  Value pack(Value low, Value high);
  void check(Value condition, ir::Trap trap);
  /// The imm of an access; a check of the object, if the offset could reach past what null faults in.
  std::int64_t at(Value object, std::uint32_t offset, ir::Trap trap);
  Value load(Value object, std::uint32_t offset, ir::Trap trap);  ///< an i32 that does not change
  void check_index(Value array, Value index);
  void fill(std::uint32_t type, Value array, Value index, Value value, Value n);
  void set_field(const TypeDef& def, std::uint32_t field, Value object, Value value);
  /// Reports what `old` loads if the collector wants to know.
  void report(auto old);
  void branch(Value condition, ir::Block yes, ir::Block no);
  void branch_on_concrete(Value record, std::uint32_t type, ir::Block yes, ir::Block no);

  const Module& module_;
  ir::Function& f_;
  Ssa& ssa_;
};

}  // namespace nebulet::wasm
