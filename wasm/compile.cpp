// SPDX-License-Identifier: MIT
#include "wasm/compile.h"

#include "base/arena.h"
#include "base/result.h"
#include "wasm/frontend/build.h"
#include "wasm/opt/optimize.h"
#include "wasm/regalloc/check.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/verify/verify.h"
#include "wasm/x64/emit.h"
#include "wasm/x64/registers.h"
#include "wasm/x64/select.h"

namespace nebulet::wasm {

Result<std::unique_ptr<CodeObject>> compile_module(const Module& module, CompileStats* stats) {
  const ContextLayout layout = ContextLayout::of(module);
  const regalloc::Registers registers{.allocatable = x64::kAllocatable, .vec_scratch = x64::kVecScratch};
  x64::CodeBuilder builder(module);
  Arena arena;  // everything about one function; the code itself is in the builder

  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    arena.reset();
    ir::Function function(arena);
    TRY(build_function(module, i, function));
    opt::optimize(function);
    mir::Function machine = x64::select(function, module, layout, arena);
    const regalloc::Result allocation = regalloc::allocate(machine, registers, arena);
    NB_DEBUG_ASSERT(regalloc::check(machine, allocation, &registers).empty());
    TRY(builder.add(machine, allocation));
  }

  auto code = std::make_unique<CodeObject>(builder.finish());
  TRY(verify_code(*code, module));
  if (stats) {
    stats->functions = module.defined_functions();
    stats->wasm_bytes = module.bytes.size();
    stats->code_bytes = code->text.size() + code->rodata.size();
    stats->peak_arena_bytes = arena.footprint();
  }
  return code;
}

}  // namespace nebulet::wasm
