// SPDX-License-Identifier: MIT
#include "wasm/compile.h"

#include <format>

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
namespace {

/// An error of a stage that knows nothing of the module, with the function that it is about.
std::unexpected<Error> in_function(Error error, const Module& module, std::uint32_t function) {
  const bool named = function < module.function_names.size() && !module.function_names[function].empty();
  error.message = std::format("function {}{}{}{}: {}", function, named ? " (" : "",
                              named ? module.function_names[function] : std::string_view(), named ? ")" : "",
                              error.message);
  error.offset = module.functions[function].body_begin;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<CodeObject>> compile_module(const Module& module, CompileStats* stats,
                                                   const CompileHook& hook) {
  const ContextLayout layout = ContextLayout::of(module);
  const regalloc::Registers registers{.allocatable = x64::kAllocatable, .vec_scratch = x64::kVecScratch};
  x64::CodeBuilder builder(module);
  Arena arena;  // everything about one function; the code itself is in the builder

  for (std::uint32_t i = 0; i < module.defined_functions(); ++i) {
    arena.reset();
    const std::uint32_t index = module.imported_functions + i;
    if (hook.before_function != nullptr) {
      const FunctionDecl& body = module.functions[index];
      TRY(hook.before_function(hook.state, {.function = index,
                                            .body_bytes = body.body_end - body.body_begin,
                                            .code_bytes = builder.text_bytes()}));
    }
    ir::Function function(arena);
    TRY(build_function(module, i, function));
    opt::optimize(function);
    mir::Function machine = x64::select(function, module, layout, arena);
    const regalloc::Result allocation = regalloc::allocate(machine, registers, arena);
    NB_DEBUG_ASSERT(regalloc::check(machine, allocation, &registers).empty());
    if (auto added = builder.add(machine, allocation); !added)
      return in_function(std::move(added.error()), module, index);
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
