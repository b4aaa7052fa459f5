// SPDX-License-Identifier: MIT
// Calls of one function again and again, from any thread, on the stack of a thread that waits in a host call:
// what invoke does, with everything prepared that does not change from call to call.
#pragma once

#include <array>
#include <cstdint>

#include "wasm/runtime/stack.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {

/// For functions of kWords i64 and one i64 as the result.
class WordCall {
 public:
  static constexpr std::size_t kWords = 5;
  using Words = std::array<std::uint64_t, kWords>;

  /// Whether `function` is wasm code of the type that is needed.
  static bool takes(const Function& function);
  /// Whether the stack has room for an entry.
  static bool has_room(const WasmStack& stack);

  /// `stack` is that of a thread which is in a host call, and stays there as long as `run` may be called.
  void prepare(WasmStack& stack, Function& function);

  enum class End : std::uint8_t { returned, failed, unwound };
  /// On the kernel stack of the thread that calls. One thread at a time. `failed`: a trap or an exception
  /// that nobody caught.
  End run(const Words& words);
  /// After `returned`.
  std::uint64_t result() const { return activation_.gpr[0]; }
  /// After `failed`, before anything else runs on the stack: makes its innermost invoke end as the call did,
  /// with the frames of both, as soon as its thread says end_if_failed.
  void hand_over() const;
  /// At the end of a host call that waited for others to `run`. If hand_over was called meanwhile, does not
  /// return; as for raise, C++ frames are dropped.
  static void end_if_failed(WasmStack& stack);

 private:
  StackControl* control_ = nullptr;
  StackControl waiting_;  ///< what the control block holds between calls
  Activation activation_;
};

}  // namespace nebulet::wasm
