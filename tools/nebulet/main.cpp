// SPDX-License-Identifier: MIT
// The command line of ./nebulet: verbs, flags, and what each does.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/hosted.h"
#include "tools/nebulet/inspect.h"
#include "tools/nebulet/options.h"
#include "tools/nebulet/qemu.h"

namespace nebulet::tool {
namespace {

constexpr std::uint64_t kLeastMemory = 16 << 20;

/// "512", "512M", "2G" and so on; docker's units, powers of 1024.
std::optional<std::uint64_t> parse_size(const std::string& text) {
  std::size_t used = 0;
  std::uint64_t value = 0;
  for (; used < text.size() && text[used] >= '0' && text[used] <= '9' && value < (1ull << 50); ++used) {
    value = value * 10 + static_cast<std::uint64_t>(text[used] - '0');
  }
  if (used == 0) return std::nullopt;
  const std::string unit = text.substr(used);
  if (unit.empty() || unit == "b") return value;
  if (unit == "k" || unit == "K") return value << 10;
  if (unit == "m" || unit == "M") return value << 20;
  if (unit == "g" || unit == "G") return value << 30;
  return std::nullopt;
}

Result<std::vector<Directory>> parse_directories(const std::vector<std::string>& texts) {
  std::vector<Directory> directories;
  for (const std::string& text : texts) {
    const auto separator = text.find("::");
    Directory directory{text.substr(0, separator),
                        separator == std::string::npos ? text : text.substr(separator + 2)};
    if (directory.host.empty() || directory.guest.empty())
      return fail("--dir {}: want HOST or HOST::GUEST", text);
    if (::access(directory.host.c_str(), R_OK | X_OK) != 0 ||
        !std::filesystem::is_directory(directory.host)) {
      return fail("--dir {}: no directory that can be read", directory.host);
    }
    directories.push_back(std::move(directory));
  }
  return directories;
}

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

Result<int> run(const RunOptions& options) {
  const Installation installation = TRY(Installation::locate());
  if (options.dry_run) {
    const auto command = options.hosted ? hosted_command(options, installation)
                                        : qemu_command(options, installation.kernel, "INITFS");
    for (std::size_t i = 0; i < command.size(); ++i)
      std::printf("%s%s", i ? " " : "", shell_quote(command[i]).c_str());
    std::printf("\n");
    return 0;
  }
  // Read here too, so that a missing file is reported before anything starts.
  TRY(read_file(options.file));
  return options.hosted ? run_hosted(options, installation) : run_in_qemu(options, installation);
}

int main_with(int argc, char** argv) {
  CLI::App app{"Nebulet runs WebAssembly programs in ring 0.", "nebulet"};
  app.require_subcommand(1);
  app.footer("From the checkout, ./nebulet also has: wast, test, bench, build, doctor.");
  app.set_version_flag("--version", "nebulet 0.1.0");

  RunOptions options;
  std::string memory = "512M", machine = "q35";
  std::vector<std::string> directories;
  double timeout = 0;
  CLI::App* run_verb = app.add_subcommand(
      "run", "run a wasm32-wasi program, in a virtual machine or (--hosted) in a Linux process");
  run_verb->prefix_command();
  run_verb->add_flag("--hosted", options.hosted, "run the kernel as a Linux process");
  run_verb->add_option("--dir", directories, "let the program use a directory: HOST or HOST::GUEST")
      ->type_name("DIR")
      ->allow_extra_args(false);
  run_verb->add_option("--env", options.environment, "set an environment variable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  run_verb->add_option("--argv0", options.argv0, "the program's name as it sees it");
  run_verb->add_option("--invoke", options.invoke, "call this exported function in place of _start");
  run_verb->add_option("-m,--memory", memory, "memory of the machine, like 512M or 2G")
      ->capture_default_str();
  run_verb->add_option("-c,--cpus", options.cpus, "number of CPUs")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  run_verb->add_option("--machine", machine, "virtual machine: pc, q35 or microvm")
      ->check(CLI::IsMember({"pc", "q35", "microvm"}))
      ->capture_default_str();
  run_verb->add_option("--timeout", timeout, "end the program after this many seconds (exit code 124)")
      ->check(CLI::PositiveNumber);
  run_verb->add_flag("--stats", options.stats, "print times and memory on standard error at the end");
  std::string profile;
  run_verb
      ->add_option("--profile", profile,
                   "perfmap: write /tmp/perf-PID.map, in which perf finds the functions' names (--hosted)")
      ->check(CLI::IsMember({"perfmap"}));
  run_verb->add_flag("--dry-run", options.dry_run, "print the command that would run, and stop");
  run_verb->add_option("--qemu", options.qemu, "add a word to QEMU's command line")
      ->group("")
      ->allow_extra_args(false);
  run_verb->add_flag("--gdb", options.gdb, "stop before the first instruction and wait for gdb on port 1234");
  run_verb->add_option("--log", options.log_level, "kernel log level: debug, info, warn, error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  run_verb->add_option("--log-file", options.log_file, "append the kernel log to a file");
  run_verb->add_option("--timer-hz", options.timer_hz, "rate of the preemption timer");
  run_verb->footer(
      "FILE.wasm [ARGUMENTS] follow the flags. Exit codes: the program's; 124 time-out, 125 error of the "
      "tool or the\n"
      "module, 126 the machine failed, 134 a trap, 137 killed by a limit.");

  std::string input, output;
  CLI::App* compile_verb = app.add_subcommand("compile", "compile a module to a code file");
  compile_verb->add_option("FILE", input, "the module")->required();
  compile_verb->add_option("-o,--output", output, "the code file; FILE.code by default");

  std::string function, stage = "code";
  CLI::App* inspect_verb = app.add_subcommand(
      "inspect", "show what a module declares, or a function after a stage of the compiler");
  inspect_verb->add_option("FILE", input, "the module")->required();
  inspect_verb->add_option("--function", function, "index or name of a function");
  inspect_verb->add_option("--stage", stage, "ssa, optimized, selected, allocated or code")
      ->check(CLI::IsMember({"ssa", "optimized", "selected", "allocated", "code"}))
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kToolError;
  }

  if (compile_verb->parsed()) {
    const auto done = compile_file(input, output.empty() ? input + ".code" : output);
    return done ? 0 : report(done.error());
  }

  if (inspect_verb->parsed()) {
    constexpr std::pair<const char*, Stage> kStages[] = {{"ssa", Stage::ssa},
                                                         {"optimized", Stage::optimized},
                                                         {"selected", Stage::selected},
                                                         {"allocated", Stage::allocated},
                                                         {"code", Stage::code}};
    const auto chosen =
        std::ranges::find(kStages, stage, [](const auto& entry) { return std::string(entry.first); });
    const auto done =
        function.empty() ? inspect_module(input) : inspect_function(input, function, chosen->second);
    return done ? 0 : report(done.error());
  }

  const std::vector<std::string> rest = run_verb->remaining();
  if (rest.empty()) return report({"run: which program? nebulet run [FLAGS] FILE.wasm [ARGUMENTS]"});
  if (rest[0].starts_with("-") && rest[0] != "-") {
    return report({std::format("run: unknown flag {}; nebulet run --help lists them", rest[0])});
  }
  options.perf_map = !profile.empty();
  if (options.perf_map && !options.hosted)
    return report({"--profile=perfmap: perf cannot look into a virtual machine; run it with --hosted"});
  options.file = rest[0];
  options.arguments.assign(rest.begin() + 1, rest.end());
  options.machine = machine == "pc" ? Machine::pc : machine == "microvm" ? Machine::microvm : Machine::q35;
  if (timeout > 0) options.timeout = timeout;
  const auto bytes = parse_size(memory);
  if (!bytes || *bytes < kLeastMemory)
    return report({std::format("--memory {}: want a size of at least 16M, like 512M or 2G", memory)});
  options.memory = *bytes;
  for (const std::string& entry : options.environment) {
    if (entry.find('=') == std::string::npos || entry[0] == '=')
      return report({std::format("--env {}: want NAME=VALUE", entry)});
  }
  auto parsed = parse_directories(directories);
  if (!parsed) return report(parsed.error());
  options.directories = std::move(*parsed);

  const auto code = run(options);
  return code ? *code : report(code.error());
}

}  // namespace
}  // namespace nebulet::tool

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return nebulet::tool::main_with(argc, argv);
}
