// SPDX-License-Identifier: MIT
// Constant folding: what an operation computes on constants, as spec 4.3 defines it.
#pragma once

#include <cstdint>
#include <optional>

#include "wasm/ir/ir.h"

namespace nebulet::wasm::opt {

/// The result's bits (i32 zero-extended), or none if the operation does not fold: it traps on these operands,
/// or it is a floating-point operation, whose rounding and NaNs are left to the processor. `operand` is the
/// type of a (and b); `result` that of the instruction.
std::optional<std::uint64_t> fold(ir::Op op, ir::Type result, ir::Type operand, std::uint64_t a,
                                  std::uint64_t b);

}  // namespace nebulet::wasm::opt
