// SPDX-License-Identifier: MIT
// The body of one generated function: expressions of a wanted type and statements, nested to a bounded depth
// and number.
#pragma once

#include <optional>
#include <vector>

#include "tests/fuzz/generate.h"

namespace nebulet::fuzz {

/// An instruction without immediates but perhaps a lane: operands to a result.
struct Operation {
  std::uint32_t code;
  Type result;
  Type operands[3];
  std::uint8_t count;
  Type canonical;  ///< f32, f64, or v128 with lanes of `lanes` if the result may be a NaN by arithmetic; else
                   ///< i32
  std::uint8_t lanes;  ///< number of lanes of the immediate or of the canonical shape
};
std::span<const Operation> operations_with(const Type& result, bool simd);

/// An access to memory.
struct Access {
  std::uint32_t code;
  Type type;
  std::uint8_t width_log2;
  std::uint8_t lanes = 0;
};

class Body {
 public:
  Body(Choices& in, const Plan& plan, std::uint32_t function);
  Encoder run();

 private:
  // Expressions (expressions.cpp)
  void expression(const Type& type, unsigned depth);
  void leaf(const Type& type);
  void constant(const Type& type);
  bool common(const Type& type, unsigned depth);
  void operation(const Type& type, unsigned depth);
  void canonicalize(const Operation& op);
  void select(const Type& type, unsigned depth);
  void block_expression(const Type& type, unsigned depth);
  bool call_expression(const Type& type, unsigned depth);
  bool field_expression(const Type& type, unsigned depth);
  void special_i32(unsigned depth);
  void special_i64(unsigned depth);

  // References (references.cpp)
  void reference(const Type& type, unsigned depth);
  void null(const Type& type);
  void heap_type(const Type& type);
  void structure(std::uint32_t index, unsigned depth);
  void array(std::uint32_t index, unsigned depth);
  void aggregate(std::uint32_t index, unsigned depth);
  std::optional<std::uint32_t> aggregate_like(const Type& type);
  void aggregate_statement(unsigned depth);
  void cast(const Type& type, unsigned depth);
  Type cast_source(const Type& type);

  // Memory (memory.cpp)
  void address(const Memory& memory, std::uint32_t width_log2, bool aligned, unsigned depth);
  void memory_argument(std::uint32_t memory, std::uint32_t alignment, bool exact, bool aligned);
  bool load(const Type& type, unsigned depth);
  void store(unsigned depth);
  void bulk(unsigned depth);
  void atomic(const Type& type, unsigned depth);
  void table_statement(unsigned depth);
  void index_value(bool is_64, std::uint64_t limit, unsigned depth);

  // Statements (statements.cpp)
  void statement(unsigned depth);
  void statements(unsigned depth);
  void fuel();
  void values(const std::vector<Type>& types, unsigned depth);
  void drop(std::size_t count);
  void branch(unsigned depth);
  void switch_statement(unsigned depth);
  void leave(unsigned depth);
  void call(std::uint32_t function, unsigned depth, bool tail);
  void call_statement(unsigned depth);
  void try_statement(unsigned depth);
  void legacy_try(unsigned depth);
  void open(std::uint32_t op, const Type* result, std::vector<Type> label);
  void close();

  std::uint32_t below(std::size_t n) { return in_.below(static_cast<std::uint32_t>(n)); }
  Type any_local_type() { return locals_[below(locals_.size())]; }
  std::optional<std::uint32_t> local_of(const Type& type);
  std::optional<std::uint32_t> global_of(const Type& type, bool mutable_only);

  Choices& in_;
  const Plan& plan_;
  const Signature& signature_;
  Encoder out_;
  std::vector<Type> locals_;  ///< that generated code uses
  std::uint32_t spare_f32_ = 0, spare_f64_ = 0, spare_v128_ = 0;
  std::vector<std::vector<Type>> labels_;  ///< what a branch to each takes; innermost last
  unsigned budget_ = 120;
};

}  // namespace nebulet::fuzz
