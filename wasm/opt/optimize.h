// SPDX-License-Identifier: MIT
// The middle of the compiler: what happens to a function between the front end and instruction selection.
#pragma once

#include "wasm/ir/ir.h"

namespace nebulet::wasm::opt {

/// Who looks at the function behind each pass; for tools that show what the compiler does.
struct PassHook {
  void (*after)(void* state, const char* pass, const ir::Function& function) = nullptr;
  void* state = nullptr;
  void operator()(const char* pass, const ir::Function& function) const {
    if (after != nullptr) after(state, pass, function);
  }
};

/// Runs all passes. Afterwards the cfg is computed and no edge is critical.
void optimize(ir::Function& function, const PassHook& hook = {});

}  // namespace nebulet::wasm::opt
