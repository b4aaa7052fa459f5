// SPDX-License-Identifier: MIT
#include "wasm/frontend/build_simd.h"

#include "wasm/frontend/cells.h"

namespace nebulet::wasm {
namespace {

using ir::Access;
using ir::lane_type;
using ir::Lanes;
using ir::Op;
using ir::Type;

constexpr std::uint32_t kRows = 0x120;

/// How a lane of a lane load or store is read and written.
constexpr Access lane_access(Lanes lanes) {
  return lanes == Lanes::i8x16 ? Access::u8 : lanes == Lanes::i16x8 ? Access::u16 : Access::full;
}
constexpr std::array<VectorTranslation, kRows> make_translations() {
  std::array<VectorTranslation, kRows> table{};
#define NB_VECTOR(name, code, text, form, lanes, ir) \
  table[code & 0xfff] = {Op::ir, Lanes::lanes, lane_type(Lanes::lanes), lane_access(Lanes::lanes)};
#define NB_VECTOR_LOAD(name, code, text, type, access, alignment, lanes, ir) \
  table[code & 0xfff] = {Op::ir, Lanes::lanes, Type::type, Access::access};
#include "wasm/binary/opcodes.def"
  return table;
}
constexpr auto kTranslations = make_translations();

}  // namespace

const VectorTranslation& vector_translation(Opcode op) {
  return kTranslations[static_cast<std::uint32_t>(op) & 0xfff];
}

template <class Ssa>
ir::Value VectorBuilder<Ssa>::emit(Opcode op, std::uint32_t lane, Value a, Value b, Value c) {
  const VectorTranslation& t = vector_translation(op);
  switch (op) {
    // There is no fused multiplication in the processor's baseline, so the product is rounded.
    case Opcode::f32x4_relaxed_madd:
    case Opcode::f64x2_relaxed_madd: return emit(Op::vfadd, t.lanes, emit(Op::vfmul, t.lanes, a, b), c);
    case Opcode::f32x4_relaxed_nmadd:
    case Opcode::f64x2_relaxed_nmadd: return emit(Op::vfsub, t.lanes, c, emit(Op::vfmul, t.lanes, a, b));
    case Opcode::i32x4_relaxed_dot_i8x16_i7x16_add_s: {
      const Value products = emit(Op::vdot_relaxed, Lanes::i16x8, a, b);
      return emit(Op::vadd, t.lanes, emit(Op::vextadd_s, t.lanes, products), c);
    }
    default: break;
  }
  Type type = Type::v128;
  if (t.op == Op::vextract_s || t.op == Op::vextract_u) type = t.scalar;
  if (t.op == Op::vany_true || t.op == Op::vall_true || t.op == Op::vbitmask) type = Type::i32;
  return ssa_.emit({.op = t.op, .type = type, .lanes = t.lanes, .a = a, .b = b, .c = c, .imm = lane});
}

template class VectorBuilder<SsaBuilder>;
template class VectorBuilder<CellBuilder>;

}  // namespace nebulet::wasm
