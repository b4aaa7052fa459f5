// SPDX-License-Identifier: MIT
#include "wasm/opt/optimize.h"

#include "wasm/ir/cfg.h"
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

void optimize(ir::Function& function, const PassHook& hook) {
  expand_switches(function);
  ir::compute_cfg(function);
  hook("expand-switches", function);
  if (simplify(function)) ir::compute_cfg(function);
  hook("simplify", function);
  if (expand_bulk(function)) hook("expand-bulk", function);
  // Forwarding puts values where reads were, which may meet constants or each other.
  const bool forwarded = forward_state(function);
  hook("forward-state", function);
  if (forwarded && simplify(function)) ir::compute_cfg(function);
  hook("simplify-again", function);
  eliminate_dead_code(function);
  hook("dead-code", function);
  ir::split_critical_edges(function);
}

}  // namespace nebulet::wasm::opt
