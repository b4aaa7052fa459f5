// SPDX-License-Identifier: MIT
// What the user asked for, and the exit codes of the tool itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nebulet::tool {

/// Exit codes that do not come from the program (docs/reference/tool.md).
enum ExitCode : int {
  kTimeout = 124,       ///< --timeout passed
  kToolError = 125,     ///< wrong usage, a missing file, a module that is refused
  kMachineFailed = 126  ///< QEMU did not start or the kernel ended without a status
};

enum class Machine { pc, q35, microvm };

/// A directory of the host that the program may use, and the name that it sees.
struct Directory {
  std::string host, guest;
};

/// A directory in the program's memory.
struct MemoryDirectory {
  std::string guest;
  std::uint64_t quota;
};

struct System;

struct RunOptions {
  /// Several processes under init; `file` is then the manifest, and what is about one program is init's.
  std::shared_ptr<const System> system;
  std::string file;                      ///< a module, a manifest, or - for standard input
  std::vector<std::string> arguments;    ///< argv[1] …
  std::string argv0;                     ///< empty: the file's name
  std::string invoke;                    ///< exported function to call; empty: _start
  std::vector<std::string> operands;     ///< of that function, as the kernel wants them (invoke.h)
  std::vector<std::string> environment;  ///< NAME=VALUE
  std::vector<Directory> directories;
  std::vector<MemoryDirectory> memory_directories;
  std::string code_file;  ///< compiled before; empty: the kernel compiles
  bool hosted = false;
  bool text_console = false;  ///< the kernel talks to people, not to this tool
  Machine machine = Machine::q35;
  std::uint64_t memory = 512ull << 20;  ///< bytes: of the virtual machine, or the limit of the hosted kernel
  std::uint32_t cpus = 1;
  std::optional<double> timeout;  ///< seconds
  bool stats = false;
  std::uint32_t terminals = 0;  ///< bits 0, 1, 2: standard input, output, error are one
  bool devices = false;         ///< the program gets the machine's devices
  bool dry_run = false;
  bool gdb = false;
  bool perf_map = false;
  std::string log_level = "warn";
  std::string log_file;            ///< empty: standard error
  std::string trace_file;          ///< empty: the kernel does not trace
  std::string core_file;           ///< for the first process that traps; empty: no dump
  std::string profile_file;        ///< of folded stacks; empty: nothing is sampled
  std::uint32_t profile_hz = 997;  ///< not a multiple of the timer's rate
  std::vector<std::string> qemu;   ///< more words of QEMU's command line
  std::uint32_t timer_hz = 0;      ///< 0: the kernel's choice
};

struct CompileOptions {
  std::string file, output;  ///< no output: FILE.code
  bool times = false;        ///< print the CPU time of each stage
};

enum class ImageFormat { elf, iso, disk };

struct BuildOptions {
  RunOptions run;  ///< the program, its arguments and environment
  std::string output;
  std::optional<ImageFormat> wanted;  ///< --format
  ImageFormat format = ImageFormat::elf;
};

struct InspectOptions {
  std::string file;
  std::string function;        ///< index or name; empty: the module
  std::string after = "code";  ///< a stage of the compiler, or a pass of the optimizer
};

enum class Verb { none, run, compile, build, inspect, completion, checkout };

/// What a command line asks for.
struct Request {
  Verb verb = Verb::none;  ///< none: help or the version, which was printed
  RunOptions run;
  CompileOptions compile;
  BuildOptions build;
  InspectOptions inspect;
  std::string shell;
  std::vector<std::string> words;  ///< of a verb that scripts of the checkout do: the verb and its words
};

}  // namespace nebulet::tool
