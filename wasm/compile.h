// SPDX-License-Identifier: MIT
// The engine's front door: bytes to module, module to verified code.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"

namespace nebulet::wasm {

/// Decodes all sections (not the function bodies). `bytes` must outlive the module.
Result<Module> decode_module(std::span<const std::byte> bytes);

/// The pipeline's stages in order. `build` includes validation, `allocate` is register allocation.
enum class Stage : std::uint8_t { build, optimize, select, allocate, emit, verify };
constexpr std::size_t kStages = 6;

struct CompileStats {
  std::uint64_t functions = 0, wasm_bytes = 0, code_bytes = 0, peak_arena_bytes = 0;
  std::array<std::uint64_t, kStages> time{};  ///< by stage, in units of CompileHook::clock; 0 without one
};

/// How far a compilation is, when it is about to compile a function.
struct CompileProgress {
  std::uint32_t function = 0;    ///< in the module's index space
  std::uint64_t body_bytes = 0;  ///< of that function
  std::uint64_t code_bytes = 0;  ///< made so far
};

/// Lets several threads share the work of a compilation. `run` calls `work(argument)` in one thread or in
/// several at once, and returns when all calls have.
struct Workers {
  void (*run)(void* state, void (*work)(void*), void* argument) = nullptr;
  void* state = nullptr;
  void operator()(void (*work)(void*), void* argument) const {
    run ? run(state, work, argument) : work(argument);
  }
};

/// What a compilation asks whoever started it; both may block (let other tasks run), and an error ends the
/// compilation. `pause` is asked between the stages of a function, after every segment of a large one, and
/// while code is verified. Each worker asks and is asked, so all this must bear several threads.
struct CompileHook {
  Result<> (*before_function)(void* state, const CompileProgress& progress) = nullptr;
  void* state = nullptr;
  Pause pause = {};
  Workers workers = {};
  std::uint64_t (*clock)() = nullptr;  ///< of the thread; if there is one, CompileStats::time is measured
};

/// The most memory that is taken to compile a function whose body has so many bytes, beside the code.
std::uint64_t compile_memory(std::uint64_t body_bytes);

enum class Effort : std::uint8_t {
  automatic,  ///< optimize functions unless that would take too much memory
  segments,   ///< all functions in segments, without optimization: for tests
};

/// Validates and compiles every function of `module` and passes the code through the verifier.
/// Fails with the first error in the module's order; `rejected` if the verifier refuses what the compiler
/// made.
Result<std::unique_ptr<CodeObject>> compile_module(const Module& module, CompileStats* stats = nullptr,
                                                   const CompileHook& hook = {},
                                                   Effort effort = Effort::automatic);

}  // namespace nebulet::wasm
