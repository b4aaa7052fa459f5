// SPDX-License-Identifier: MIT
// A thread's wasm stack, entering wasm code on it, and leaving it before its time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "wasm/runtime/layout.h"
#include "wasm/runtime/store.h"

namespace nebulet::wasm {

/// Pages are committed when first touched; running into the guard is the trap stack_exhausted.
class WasmStack {
 public:
  /// nullptr: no address space or memory. `thread` is the kernel's, for StackControl.
  static std::unique_ptr<WasmStack> create(Host& host, void* thread);
  ~WasmStack();
  WasmStack(const WasmStack&) = delete;
  WasmStack& operator=(const WasmStack&) = delete;

  StackControl& control() const {
    return *reinterpret_cast<StackControl*>(base_ + kStackSlot - sizeof(StackControl));
  }
  bool contains(std::uint64_t address) const {
    return address - reinterpret_cast<std::uint64_t>(base_) < kStackSlot;
  }
  std::uint64_t low() const { return reinterpret_cast<std::uint64_t>(base_) + kStackGuard; }
  std::uint64_t top() const { return reinterpret_cast<std::uint64_t>(&control()); }

  enum class Touch : std::uint8_t { guard, committed, out_of_memory };
  /// Fault path: commits the pages around `address`, which lies in this stack's slot.
  Touch touch(std::uint64_t address);
  /// Fault path: the stack whose slot holds `address`, or nullptr.
  static WasmStack* find(std::uint64_t address);

 private:
  WasmStack(Host& host, std::byte* base) : host_(host), base_(base) {}
  Host& host_;
  std::byte* const base_;
  std::atomic<std::uint64_t> committed_{0};
  bool registered_ = false;
};

struct Frame {
  std::uint32_t function = 0;  ///< index in its module
  std::uint32_t position = 0;  ///< byte offset in the module; 0 if unknown
  const ModuleCode* code = nullptr;
  std::string_view name;  ///< may be empty; lives as long as the module
};
constexpr std::size_t kMaxBacktrace = 64;

/// How a call from C++ into wasm ended.
struct Outcome {
  enum class Kind : std::uint8_t { returned, trapped, unwound, thrown } kind = Kind::returned;
  Trap trap = Trap::unreachable;  ///< trapped
  std::uint32_t position = 0;     ///< trapped: byte offset in the module of the innermost frame; 0 if unknown
  std::vector<Frame> backtrace;   ///< trapped, thrown: innermost first, at most kMaxBacktrace
  std::uint32_t exception = 0;    ///< thrown and not caught: the reference (exception.h)
  std::uint64_t exit_value = 0;   ///< unwound: what the host passed
};

/// Calls `function` on the stack, which is idle or whose wasm code is in a host call of the calling thread.
/// `args` must fit the function's parameters; `results` has room for all its results. Kernel context with its
/// own stack, interrupts on.
Outcome invoke(WasmStack& stack, Function& function, std::span<const Value> args, std::span<Value> results);

/// For host functions called from wasm on `stack`, by its thread: the innermost invoke returns at once as
/// trapped. The C++ frames between are dropped without running destructors: they must hold no locks, memory
/// or references at this point.
[[noreturn]] void raise(WasmStack& stack, Trap trap);
/// The same, but the innermost invoke returns `unwound` (exit, kill). The caller of invoke unwinds further if
/// it is itself a host function.
[[noreturn]] void unwind(WasmStack& stack, std::uint64_t exit_value);

}  // namespace nebulet::wasm
