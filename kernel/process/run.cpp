// SPDX-License-Identifier: MIT
#include "kernel/process/run.h"

#include <algorithm>

#include "kernel/process/trap_report.h"

namespace nebulet::kernel {

// The ABI's kinds of traps are the engine's.
#define NB_TRAP(name, text) \
  static_assert(static_cast<int>(abi::TrapKind::name) == static_cast<int>(wasm::Trap::name));
#include "wasm/ir/traps.def"
#undef NB_TRAP

bool run(Thread& thread, const Program& program, wasm::Function& function,
         std::span<const wasm::Value> arguments, std::span<wasm::Value> results) {
  using Kind = wasm::Outcome::Kind;
  Process& process = thread.process();
  const wasm::Outcome outcome = wasm::invoke(thread.stack(), function, arguments, results);
  if (outcome.kind == Kind::returned) return true;
  if (outcome.kind == Kind::unwound) return false;  // the process is ending
  report_trap(process, outcome, program);
  if (outcome.kind == Kind::thrown) {
    process.end(EndReason::exception, 0);
  } else if (outcome.trap == wasm::Trap::out_of_memory) {
    process.end(EndReason::out_of_memory, 0);
  } else {
    process.end(EndReason::trapped, static_cast<std::uint32_t>(outcome.trap));
  }
  return false;
}

bool run_all(Thread& thread, const Program& program, std::span<wasm::Function* const> functions) {
  return std::ranges::all_of(
      functions, [&](wasm::Function* function) { return run(thread, program, *function, {}, {}); });
}

}  // namespace nebulet::kernel
