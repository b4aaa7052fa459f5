// SPDX-License-Identifier: MIT
// The program that the kernel is booted for: from bytes to linked instances in its process.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kernel/loader/module.h"
#include "kernel/process/process.h"

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

/// What is loaded and not yet run. Its pointers are good until the process has ended.
struct LoadedProgram {
  /// In this order before the entry: start functions and `_initialize` of the library, then of the program.
  std::vector<wasm::Function*> initializers;
  wasm::Function* entry = nullptr;
  wasm::Instance* instance = nullptr;  ///< of the program, not of the library
  LoadStats stats;
};

/// Adds the program to the process as `program`, and before it the WASI library, if the program imports from
/// `wasi_snapshot_preview1` or `wasi`. An import that nothing provides is found before anything is compiled.
/// Runs no wasm code. Thread context with a whole kernel stack.
Loaded<LoadedProgram> load_program(Process& process, const ProgramImage& image);

}  // namespace nebulet::kernel
