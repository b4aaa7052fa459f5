// SPDX-License-Identifier: MIT
// The front end: one function body of a decoded module to the engine's SSA form, validated in the same walk.
#pragma once

#include <cstdint>

#include "wasm/binary/module.h"
#include "wasm/error.h"
#include "wasm/ir/ir.h"

namespace nebulet::wasm {

/// Validates the body of defined function `defined_index` (function index minus imported functions) and
/// builds `out`, which must be empty; temporaries come from its arena too. Blocks are in walk order and all
/// reachable; preds, idom and loops are not computed. On failure `out` is unusable. Work and output are
/// linear in the body: what exceeds the compile budget fails with Error::Kind::limit.
Result<> build_function(const Module& module, std::uint32_t defined_index, ir::Function& out);

}  // namespace nebulet::wasm
