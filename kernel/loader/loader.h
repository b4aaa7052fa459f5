// SPDX-License-Identifier: MIT
// From the bytes of a program to linked instances in a process: decodes, compiles, resolves imports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel/process/process.h"
#include "kernel/syscall/marshal.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

/// The bytes stay where they are as long as the process lives.
struct ProgramImage {
  std::string name = "program";  ///< in messages
  std::span<const std::byte> program;
  std::span<const std::byte> wasi;  ///< the WASI library; empty: there is none
  /// Code files for the two (wasm/object), compiled ahead of time; empty: compile. One that does not fit is
  /// reported and not used.
  std::span<const std::byte> program_code = {}, wasi_code = {};
  std::string entry = "_start";  ///< the export to run
};

struct LoadStats {
  std::uint64_t compile_ns = 0, functions = 0, wasm_bytes = 0, code_bytes = 0;
};

/// What is loaded and not yet run. Lives as long as the process.
struct LoadedProgram {
  /// In this order before the entry: start functions and `_initialize` of the library, then of the program.
  std::vector<wasm::Function*> initializers;
  std::string name;  ///< the image's
  wasm::Function* entry = nullptr;
  wasm::Instance* instance = nullptr;  ///< of the program
  std::vector<std::unique_ptr<CallBinding>> bindings;
  LoadStats stats;
};

/// `text` names the module, the byte where it applies, and what was wrong.
struct LoadError {
  std::string text;
};

/// Imports of `nebulet` become kernel calls; those of `wasi_snapshot_preview1` exports of the WASI library,
/// which gets an instance of its own in the process, bound to the program's memory. Anything else is an error
/// that names the import, found before anything is compiled. Runs no wasm code. Thread context with a whole
/// kernel stack.
std::expected<LoadedProgram, LoadError> load_program(Process& process, const ProgramImage& image);

}  // namespace nebulet::kernel
