// SPDX-License-Identifier: MIT
#include "kernel/process/run.h"

#include <algorithm>
#include <array>

#include "kernel/log/log.h"
#include "kernel/process/core_dump.h"
#include "kernel/process/trap_report.h"

namespace nebulet::kernel {

namespace {

constexpr std::string_view kThreadEntry = "wasi_thread_start";

}  // namespace

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
  const std::vector<std::string> report = describe_trap(process, outcome, program);
  for (const std::string& line : report) log_line(LogLevel::error, line);
  if (outcome.kind == Kind::thrown) {
    process.end(EndReason::exception, 0);
  } else if (outcome.trap == wasm::Trap::out_of_memory) {
    process.end(EndReason::out_of_memory, 0);
  } else {
    process.end(EndReason::trapped, static_cast<std::uint32_t>(outcome.trap));
  }
  dump_core(process, program, outcome, report);
  return false;
}

Result<Ref<Thread>> make_thread(Process& process, const Program& program, std::size_t index,
                                std::uint32_t number, std::uint32_t argument) {
  const wasm::Memory* memory = program.instance(index).memory();
  if (memory == nullptr || !process.is_shared_memory(*memory)) return fail(Status::not_supported);
  auto copied = program.copy();
  if (!copied) return fail(copied.error().status);
  const Program& copy = **copied;
  wasm::Function* entry = copy.find_function(index, kThreadEntry);
  if (entry == nullptr || entry->type->params != std::vector{wasm::kI32, wasm::kI32} ||
      !entry->type->results.empty())
    return fail(Status::not_found);
  return Thread::create(
      Ref<Process>(&process),
      [&copy, index, entry, number, argument](Thread& self) {
        const auto first = copy.initializers(index, kThreadEntry, Program::Initialize::others);
        const std::array<wasm::Value, 2> arguments = {wasm::Value{.low = number},
                                                      wasm::Value{.low = argument}};
        if (run_all(self, copy, first)) run(self, copy, *entry, arguments, {});
      },
      std::move(*copied));
}

bool run_all(Thread& thread, const Program& program, std::span<wasm::Function* const> functions) {
  return std::ranges::all_of(
      functions, [&](wasm::Function* function) { return run(thread, program, *function, {}, {}); });
}

}  // namespace nebulet::kernel
