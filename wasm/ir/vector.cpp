// SPDX-License-Identifier: MIT
#include "wasm/ir/vector.h"

namespace nebulet::wasm::ir {

bool has_valid_vector_types(const Function& f, const Inst& i) {
  const auto is = [&](Value v, Type type) { return f[v].type == type; };
  if (i.op == Op::vconst) return i.type == Type::v128;
  const Type scalar = lane_type(i.lanes);
  const bool lanes_fit = static_cast<unsigned>(i.lanes) <= static_cast<unsigned>(Lanes::all);
  const bool lane_fits = i.bits < lane_count(i.lanes);
  switch (i.op) {
    case Op::vsplat:
    case Op::vscalar: return i.type == Type::v128 && is(i.a, scalar);
    case Op::vextract_s:
      if (i.lanes != Lanes::i8x16 && i.lanes != Lanes::i16x8) return false;
      [[fallthrough]];
    case Op::vextract_u: return i.type == scalar && is(i.a, Type::v128) && lane_fits;
    case Op::vreplace: return i.type == Type::v128 && is(i.a, Type::v128) && is(i.b, scalar) && lane_fits;
    case Op::vany_true:
    case Op::vall_true:
    case Op::vbitmask: return i.type == Type::i32 && is(i.a, Type::v128);
    case Op::vshl:
    case Op::vshr_s:
    case Op::vshr_u: return i.type == Type::v128 && is(i.a, Type::v128) && is(i.b, Type::i32);
    default: break;
  }
  const Value operands[] = {i.a, i.b, i.c};
  for (unsigned k = 0; k < info(i.op).operands; ++k)
    if (!is(operands[k], Type::v128)) return false;
  return lanes_fit && i.type == Type::v128;
}

}  // namespace nebulet::wasm::ir
