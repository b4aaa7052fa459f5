// SPDX-License-Identifier: MIT
#include "tools/nebulet/run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/result.h"
#include "tools/nebulet/cache.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/hosted.h"
#include "tools/nebulet/invoke.h"
#include "tools/nebulet/messages.h"
#include "tools/nebulet/qemu.h"
#include "tools/nebulet/system.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::tool {
namespace {

std::string shell_quote(const std::string& word) {
  if (!word.empty() &&
      word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:=,+@%") ==
          std::string::npos) {
    return word;
  }
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

int print_command(const std::vector<std::string>& command) {
  for (std::size_t i = 0; i < command.size(); ++i)
    std::printf("%s%s", i ? " " : "", shell_quote(command[i]).c_str());
  std::printf("\n");
  return 0;
}

/// Otherwise the log would be lost without a word.
Result<> check_log_file(const std::string& path) {
  if (path.empty()) return {};
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) return fail("run --log-file {}: {}", path, std::strerror(errno));
  return {};
}

/// The kernel would only warn of a code file that it cannot use, and compile.
Result<> check_code_file(const std::string& path, std::span<const std::byte> program,
                         const std::string& name) {
  if (path.empty()) return {};
  const auto bytes = read_file(path);
  if (!bytes) return fail("run --code {}", bytes.error().message);
  const auto module = wasm::decode_module(program);
  if (!module) return {};  // the kernel says why
  const auto code = wasm::read_code_file(*bytes, *module);
  if (!code)
    return fail("run --code {}: {}; compile the module again: nebulet compile {} -o {}", path,
                code.error().message, name, path);
  return {};
}

/// The kernel measures itself; what it runs on, it does not know.
void print_machine(const RunOptions& options) {
  const std::string where = options.hosted
                                ? "accelerator=none machine=hosted"
                                : std::format("accelerator={} machine={}", kvm_works() ? "kvm" : "tcg",
                                              machine_name(options.machine));
  std::fprintf(stderr, "nebulet: stats: %s cpus=%u memory=%llu\n", where.c_str(), options.cpus,
               static_cast<unsigned long long>(options.memory));
}

/// A file without a name. The hosted kernel opens it through /proc, so it inherits the descriptor.
Result<Descriptor> hold(const char* what, std::span<const std::byte> bytes) {
  Descriptor file(::memfd_create(what, 0));
  if (file.get() < 0 || !write_all(file.get(), bytes.data(), bytes.size()))
    return fail("cannot hold {} in memory: {}", what, std::strerror(errno));
  return file;
}
std::string path_of(const Descriptor& file) { return std::format("/proc/self/fd/{}", file.get()); }

/// Runs the kernel in the machine that `options` name, and ends the files of those who look inside.
Result<int> run_kernel(const RunOptions& options, const Installation& installation, const BootFiles& boot,
                       const HostedFiles& hosted) {
  if (options.stats) print_machine(options);
  Messages messages;
  TRY(messages.open(options));
  const auto code = options.hosted ? run_hosted(options, installation, hosted, messages)
                                   : run_in_qemu(options, installation, boot, messages);
  const auto written = messages.finish();
  if (code && !written) return std::unexpected(written.error());
  return code;
}

/// init, and the plan and the programs for it.
Result<int> run_system(RunOptions& options, const Installation& installation) {
  TRY(installation.require({installation.init, installation.init_code}));
  TRY(check_log_file(options.log_file));
  options.code_file = installation.init_code;
  const auto program = TRY(read_file(installation.init));
  const auto initfs = TRY(make_system_initfs(*options.system, false));
  const Descriptor file = TRY(hold("the initfs", initfs));
  return run_kernel(options, installation, {.program = program, .initfs = initfs},
                    {.program = installation.init, .initfs = path_of(file)});
}

}  // namespace

Result<int> run(RunOptions options) {
  const Installation installation = TRY(Installation::locate());
  const bool from_input = options.file == "-";
  if (from_input && options.argv0.empty()) options.argv0 = "stdin.wasm";
  if (options.dry_run) {
    const std::string program = options.system ? installation.init : options.file;
    return print_command(
        options.hosted ? hosted_command(options, installation, {program, options.system ? "INITFS" : ""}, -1)
                       : qemu_command(options, installation.kernel, "INITFS"));
  }
  for (int stream = 0; stream < 3; ++stream) options.terminals |= ::isatty(stream) ? 1u << stream : 0;
  TRY(installation.require({options.hosted ? installation.hosted_kernel : installation.kernel,
                            installation.wasi, installation.wasi_code}));
  if (options.system) return run_system(options, installation);
  // Read here too if the kernel opens it, so that a wrong file is reported before anything starts.
  const auto program = TRY(read_module(options.file));
  if (!options.invoke.empty())
    options.operands = TRY(make_operands(program, options.file, options.invoke, options.arguments));
  TRY(check_log_file(options.log_file));
  TRY(check_code_file(options.code_file, program, options.file));
  if (options.code_file.empty()) options.code_file = cached_code(program, options.file);
  if (!from_input)
    return run_kernel(options, installation, {.program = program, .initfs = {}},
                      {.program = options.file, .initfs = {}});
  const Descriptor file = TRY(hold("the program", program));
  return run_kernel(options, installation, {.program = program, .initfs = {}},
                    {.program = path_of(file), .initfs = {}});
}

}  // namespace nebulet::tool
