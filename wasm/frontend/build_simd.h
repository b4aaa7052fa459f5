// SPDX-License-Identifier: MIT
// What the vector instructions become in the SSA form. Vector loads are scalar loads of exactly the bytes
// that the instruction reads, and an operation on the scalar; lane stores likewise.
#pragma once

#include <array>

#include "wasm/binary/opcodes.h"
#include "wasm/frontend/ssa.h"
#include "wasm/ir/vector.h"

namespace nebulet::wasm {

/// A row of opcodes_simd.def.
struct VectorTranslation {
  ir::Op op = ir::Op::nop;
  ir::Lanes lanes = ir::Lanes::all;
  ir::Type scalar = ir::Type::none;  ///< of a load
  ir::Access access = ir::Access::full;
};
const VectorTranslation& vector_translation(Opcode op);

/// Emits vector operations. `Ssa` is SsaBuilder or CellBuilder.
template <class Ssa>
class VectorBuilder {
 public:
  using Value = ir::Value;
  explicit VectorBuilder(Ssa& ssa) : ssa_(ssa) {}

  Value constant(std::uint64_t low, std::uint64_t high) {
    return ssa_.emit(ir::vector_constant({low, high}));
  }
  Value shuffle(const std::array<std::uint8_t, 16>& indices, Value a, Value b) {
    return ssa_.emit(ir::vector_shuffle(a, b, indices));
  }
  /// Everything that touches no memory.
  Value emit(Opcode op, std::uint32_t lane, Value a, Value b, Value c);
  /// The vector of a load, from the scalar that was loaded.
  Value of_loaded(Opcode op, Value scalar) {
    const VectorTranslation& t = vector_translation(op);
    if (t.op == ir::Op::vsplat || t.op == ir::Op::vscalar) return emit(t.op, t.lanes, scalar);
    return emit(t.op, t.lanes, emit(ir::Op::vscalar, ir::Lanes::f64x2, scalar));
  }
  Value with_lane(Opcode op, std::uint32_t lane, Value vector, Value scalar) {
    return ssa_.emit({.op = ir::Op::vreplace,
                      .type = ir::Type::v128,
                      .lanes = vector_translation(op).lanes,
                      .a = vector,
                      .b = scalar,
                      .imm = lane});
  }
  Value lane(Opcode op, std::uint32_t lane, Value vector) {
    const VectorTranslation& t = vector_translation(op);
    return ssa_.emit(
        {.op = ir::Op::vextract_u, .type = t.scalar, .lanes = t.lanes, .a = vector, .imm = lane});
  }

 private:
  Value emit(ir::Op op, ir::Lanes lanes, Value a, Value b = Value::none()) {
    return ssa_.emit({.op = op, .type = ir::Type::v128, .lanes = lanes, .a = a, .b = b});
  }
  Ssa& ssa_;
};

}  // namespace nebulet::wasm
