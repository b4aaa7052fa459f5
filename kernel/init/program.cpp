// SPDX-License-Identifier: MIT
// Runs the boot program: a process with the console and files, its modules, its main thread.
#include "kernel/init/init.h"

#include <format>
#include <optional>

#include "kernel/device/console.h"
#include "kernel/device/files.h"
#include "kernel/init/operands.h"
#include "kernel/loader/loader.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory_object.h"
#include "kernel/process/run.h"
#include "kernel/process/thread.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/memory.h"
#include "machine/include/machine/time.h"

namespace nebulet::kernel {
namespace {

/// The main thread.
void run_main(Thread& thread, const LoadedProgram& loaded, std::span<const wasm::Value> arguments) {
  Process& process = thread.process();
  const Program& program = process.program();
  if (!run_all(thread, program, loaded.initializers)) return;
  const wasm::FuncType& type = *loaded.entry->type;
  std::vector<wasm::Value> results(type.results.size());
  if (!run(thread, program, *loaded.entry, arguments, results)) return;
  const std::string text = write_results(type, results);
  machine::console_write(machine::ConsoleStream::results, std::as_bytes(std::span(text)));
  process.exit(0);
}

/// `start_cycles`: the processor's cycle counter, which starts at power-on, at the program's start.
void report_stats(Process& process, const LoadStats& load, std::uint64_t memory_pages, std::uint64_t boot_ns,
                  std::uint64_t start_ns, std::uint64_t start_cycles, std::uint64_t free_at_start) {
  log(LogLevel::error,
      "stats: functions={} wasm_bytes={} code_bytes={} compile_us={} start_us={} run_us={} peak_memory={} "
      "preemptions={} calls={} memory_pages={} start_cycles={} machine_memory={} machine_peak={}",
      load.functions, load.wasm_bytes, load.code_bytes, load.compile_ns / 1000, (start_ns - boot_ns) / 1000,
      (machine::monotonic_ns() - start_ns) / 1000, process.quota()->peak(), preemptions(),
      process.kernel_calls(), memory_pages, start_cycles, free_at_start - machine::free_memory(),
      free_at_start - machine::least_free_memory());
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
int run_program(const CommandLine& line, const ProgramImage& image, std::span<const std::byte> initfs,
                std::uint64_t boot_ns) {
  Process::Options options{.memory_limit = line.memory,
                           .arguments = line.arguments,
                           .environment = line.environment,
                           .preopens = line.preopens,
                           .terminals = line.terminals,
                           .devices = line.devices,
                           .initfs = initfs};
  for (const auto& [path, quota] : line.memory_directories)
    options.memory_directories.push_back({path, quota});
  if (options.arguments.empty()) options.arguments.emplace_back("program");
  Ref<Files> files(line.preopens.empty() ? nullptr : new Files);
  auto process = Process::create(options, Ref<Object>(new Console), std::move(files));
  if (!process) return refuse(std::format("cannot create the process: {}", abi::name(process.error())));

  auto program = load_program(**process, image);
  if (!program) return refuse(program.error().text);
  auto values = read_operands(*program->entry->type, line.operands);
  if (!values)
    return refuse(std::format("{}: cannot call `{}`: {}", image.name, image.entry, values.error()));

  const std::uint64_t free_at_start = machine::free_memory();
  const std::uint64_t start_ns = machine::monotonic_ns(), start_cycles = __builtin_readcyclecounter();
  std::uint64_t memory_pages = 0;
  auto thread = Thread::start(*process, [&](Thread& self) {
    run_main(self, *program, *values);
    if (const wasm::Memory* memory = program->instance->memory()) memory_pages = memory->pages();
  });
  if (!thread) return refuse(std::format("cannot start the program's thread: {}", abi::name(thread.error())));
  const int status = (*process)->wait();
  if (line.stats)
    report_stats(**process, program->stats, memory_pages, boot_ns, start_ns, start_cycles, free_at_start);
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
  const auto initfs = find_module(boot, "initfs").value_or(std::span<const std::byte>());
  if (initfs.size() > MemoryObject::kMaxSize) return refuse("the boot module `initfs` is too large");
  return run_program(line, image, initfs, boot_ns);
}

}  // namespace nebulet::kernel
