// SPDX-License-Identifier: MIT
#include "wasm/ir/ir.h"

#include <iterator>

namespace nebulet::wasm::ir {
namespace {

constexpr OpInfo kInfo[] = {
#define NB_IR_OP(name, operands, effects) {#name, operands, static_cast<std::uint16_t>(effects)},
#include "wasm/ir/ops.def"
#undef NB_IR_OP
};

constexpr const char* kTrapTexts[] = {
#define NB_TRAP(name, text) text,
#include "wasm/ir/traps.def"
#undef NB_TRAP
};

}  // namespace

const OpInfo& info(Op op) { return kInfo[static_cast<std::size_t>(op)]; }

const char* trap_text(Trap trap) {
  const auto index = static_cast<std::size_t>(trap);
  return index < std::size(kTrapTexts) ? kTrapTexts[index] : "unknown trap";
}

}  // namespace nebulet::wasm::ir
