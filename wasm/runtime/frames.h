// SPDX-License-Identifier: MIT
// Steps over the frames of a wasm stack, innermost first: generated code by the frame sizes of its
// CodeObject, the stubs by what they are known to push. For backtraces and exceptions.
#pragma once

#include <cstdint>

#include "wasm/runtime/stack.h"

namespace nebulet::wasm {

/// Where a walk stands.
struct FrameCursor {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;  ///< at a return address: directly above where it lay; otherwise rsp
  bool is_return = false;
  std::uint32_t stack_args = 0;        ///< at a return address: of the callee, which pops them
  InstanceContext* context = nullptr;  ///< of the code at pc; only if the walk began with it
};

class FrameWalk {
 public:
  FrameWalk(const WasmStack& stack, const FrameCursor& start) : stack_(stack), cursor_(start) {}

  /// Passes stubs and finds the function that the walk is in. False at the end of the wasm frames.
  bool find_function();
  /// To the caller of the function found.
  void leave();

  // Of the function found.
  const ModuleCode& code() const { return *code_; }
  std::uint32_t function() const { return function_ + code_->module().imported_functions; }
  const FrameCursor& cursor() const { return cursor_; }
  /// rsp in the function when its call returned: the lowest address of its frame.
  std::uint64_t frame_bottom() const;

 private:
  bool load(std::uint64_t address, std::uint64_t& value) const;
  void leave_to(std::uint64_t return_address_at, std::uint32_t stack_args);
  bool through_stub();
  bool in_prologue() const;

  const WasmStack& stack_;
  FrameCursor cursor_;
  const ModuleCode* code_ = nullptr;
  std::uint32_t function_ = 0;  ///< among the defined ones
};

}  // namespace nebulet::wasm
