// SPDX-License-Identifier: MIT
// Runs the boot program: a process with the console and files, its modules, its main thread.
#include "kernel/init/init.h"

#include <format>
#include <optional>

#include "kernel/init/operands.h"
#include "kernel/loader/loader.h"
#include "kernel/log/log.h"
#include "kernel/process/thread.h"
#include "kernel/process/trap_report.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {
namespace {

/// Ends the process if the call did not return.
bool returned(Process& process, const LoadedProgram& program, const wasm::Outcome& outcome) {
  using Kind = wasm::Outcome::Kind;
  if (outcome.kind == Kind::returned) return true;
  if (outcome.kind == Kind::unwound) return false;  // the process is ending
  report_trap(process, outcome, program.name, program.instance->code());
  const bool out_of_memory = outcome.kind == Kind::trapped && outcome.trap == wasm::Trap::out_of_memory;
  process.exit(out_of_memory ? kExitKilled : kExitTrap);
  return false;
}

/// The main thread.
void run_main(Thread& thread, const LoadedProgram& program, std::span<const wasm::Value> arguments) {
  Process& process = thread.process();
  for (wasm::Function* initializer : program.initializers)
    if (!returned(process, program, wasm::invoke(thread.stack(), *initializer, {}, {}))) return;
  const wasm::FuncType& type = *program.entry->type;
  std::vector<wasm::Value> results(type.results.size());
  if (!returned(process, program, wasm::invoke(thread.stack(), *program.entry, arguments, results))) return;
  const std::string text = write_results(type, results);
  machine::console_write(machine::ConsoleStream::results, std::as_bytes(std::span(text)));
  process.exit(0);
}

/// `start_cycles`: the processor's cycle counter, which starts at power-on, at the program's start.
void report_stats(Process& process, const LoadedProgram& program, std::uint64_t boot_ns,
                  std::uint64_t start_ns, std::uint64_t start_cycles) {
  const LoadStats& load = program.stats;
  log(LogLevel::error,
      "stats: functions={} wasm_bytes={} code_bytes={} compile_us={} start_us={} run_us={} peak_memory={} "
      "preemptions={} calls={} memory_pages={} start_cycles={}",
      load.functions, load.wasm_bytes, load.code_bytes, load.compile_ns / 1000, (start_ns - boot_ns) / 1000,
      (machine::monotonic_ns() - start_ns) / 1000, process.quota()->peak(), preemptions(),
      process.kernel_calls(), program.instance->memory() != nullptr ? program.instance->memory()->pages() : 0,
      start_cycles);
}

int refuse(std::string_view text) {
  log(LogLevel::error, "{}", text);
  return kExitError;
}

std::optional<std::span<const std::byte>> find_module(const machine::BootInfo& boot, std::string_view name) {
  for (const machine::BootModule& module : boot.modules)
    if (module.name == name) return module.bytes;
  return std::nullopt;
}

/// Errors go to the log.
int run_program(const CommandLine& line, const ProgramImage& image, std::uint64_t boot_ns) {
  Process::Options options{.memory_limit = line.memory,
                           .arguments = line.arguments,
                           .environment = line.environment,
                           .preopens = line.preopens};
  if (options.arguments.empty()) options.arguments.emplace_back("program");
  Ref<Files> files(line.preopens.empty() ? nullptr : new Files);
  auto process = Process::create(options, Ref<Object>(new Console), std::move(files));
  if (!process) return refuse(std::format("cannot create the process: {}", abi::name(process.error())));

  auto program = load_program(**process, image);
  if (!program) return refuse(program.error().text);
  auto values = read_operands(*program->entry->type, line.operands);
  if (!values)
    return refuse(std::format("{}: cannot call `{}`: {}", image.name, image.entry, values.error()));

  const std::uint64_t start_ns = machine::monotonic_ns(), start_cycles = __builtin_readcyclecounter();
  auto thread =
      Thread::start(*process, [&program, &values](Thread& self) { run_main(self, *program, *values); });
  if (!thread) return refuse(std::format("cannot start the program's thread: {}", abi::name(thread.error())));
  const int status = (*process)->wait();
  if (line.stats) report_stats(**process, *program, boot_ns, start_ns, start_cycles);
  return status;
}

}  // namespace

int run_init(const machine::BootInfo& boot, const CommandLine& line, std::uint64_t boot_ns) {
  const auto program = find_module(boot, "program");
  if (!program) return refuse("there is no boot module `program` to run");
  ProgramImage image{.program = *program,
                     .wasi = find_module(boot, "wasi").value_or(std::span<const std::byte>()),
                     .program_code = find_module(boot, "program.code").value_or(std::span<const std::byte>()),
                     .wasi_code = find_module(boot, "wasi.code").value_or(std::span<const std::byte>())};
  if (!line.arguments.empty() && !line.arguments[0].empty()) image.name = line.arguments[0];
  if (!line.invoke.empty()) image.entry = line.invoke;
  return run_program(line, image, boot_ns);
}

}  // namespace nebulet::kernel
