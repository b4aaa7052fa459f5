// SPDX-License-Identifier: MIT
#include "wasm/x64/mops.h"

namespace nebulet::wasm::x64 {
namespace {

constexpr MOpInfo kInfo[] = {
#define NB_X64_OP(name, shape, prefix, map, opcode, ext, width) \
  {#name, Shape::shape, prefix, map, opcode, ext, Width::width},
#include "wasm/x64/mops.def"
#undef NB_X64_OP
};

}  // namespace

const MOpInfo& info(MOp op) { return kInfo[static_cast<unsigned>(op)]; }

Cond exchange(Cond c) {
  switch (c) {
    case Cond::b: return Cond::a;
    case Cond::a: return Cond::b;
    case Cond::ae: return Cond::be;
    case Cond::be: return Cond::ae;
    case Cond::l: return Cond::g;
    case Cond::g: return Cond::l;
    case Cond::le: return Cond::ge;
    case Cond::ge: return Cond::le;
    default: return c;
  }
}

}  // namespace nebulet::wasm::x64
