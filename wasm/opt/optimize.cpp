// SPDX-License-Identifier: MIT
#include "wasm/opt/optimize.h"

#include "wasm/ir/cfg.h"
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

void optimize(ir::Function& function) {
  ir::compute_cfg(function);
  if (simplify(function)) ir::compute_cfg(function);
  // Forwarding puts values where reads were, which may meet constants or each other.
  if (forward_state(function) && simplify(function)) ir::compute_cfg(function);
  eliminate_dead_code(function);
  ir::split_critical_edges(function);
}

}  // namespace nebulet::wasm::opt
