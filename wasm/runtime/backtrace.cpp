// SPDX-License-Identifier: MIT
// Walks wasm frames: generated code by the frame sizes of its CodeObject, the stubs by what they are known to
// push.
#include "wasm/runtime/unwind.h"

namespace nebulet::wasm {
namespace {

/// Where a walk stands. At a return address, `sp` is the address directly above it, which is the bottom of
/// the caller's frame; at a faulting instruction it is rsp.
struct Cursor {
  std::uint64_t pc = 0, sp = 0;
  bool is_return = false;
  std::uint32_t callee_stack_args = 0;  ///< that the callee popped
};

class Walk {
 public:
  Walk(const WasmStack& stack, const Activation& activation) : stack_(stack) {
    cursor_ = {.pc = activation.pc, .sp = activation.sp, .is_return = activation.at_call};
  }

  std::vector<Frame> run() {
    std::vector<Frame> frames;
    // Stub frames are bounded by the stack's size; each step moves up.
    while (frames.size() < kMaxBacktrace) {
      if (cursor_.is_return && through_stub()) continue;
      if (!frame(frames)) break;
    }
    return frames;
  }

 private:
  bool load(std::uint64_t address, std::uint64_t& value) const {
    if (address < stack_.low() || address > stack_.top() - 8) return false;
    value = *reinterpret_cast<const std::uint64_t*>(address);
    return true;
  }

  bool leave_to(std::uint64_t return_address_at) {
    cursor_.is_return = true;
    cursor_.sp = return_address_at + 8;
    if (!load(return_address_at, cursor_.pc)) cursor_.pc = 0;
    return true;
  }

  /// Calls between instances: the stub has pushed the caller's context, and for stack values its target below
  /// it.
  bool through_stub() {
    if (cursor_.pc == address_of(nb_foreign_return)) return leave_to(cursor_.sp + 8);
    const std::uint64_t results = cursor_.sp + cursor_.callee_stack_args;
    if (cursor_.pc == address_of(nb_foreign_small_return)) return leave_to(results + NB_FOREIGN_SMALL + 16);
    if (cursor_.pc == address_of(nb_foreign_large_return)) return leave_to(results + NB_FOREIGN_LARGE + 16);
    return false;
  }

  bool frame(std::vector<Frame>& frames) {
    const ModuleCode* code = ModuleCode::find(cursor_.is_return ? cursor_.pc - 1 : cursor_.pc);
    if (!code) return false;
    const std::int64_t defined = code->defined_function_at(cursor_.is_return ? cursor_.pc - 1 : cursor_.pc);
    if (defined < 0) return false;
    const CodeFunction& function = code->code().functions[static_cast<std::size_t>(defined)];
    Frame frame;
    frame.code = code;
    frame.function = static_cast<std::uint32_t>(defined) + code->module().imported_functions;
    frame.name = code->function_name(frame.function);
    if (cursor_.is_return) {
      if (const CallSite* site = code->call_returning_to(cursor_.pc)) frame.position = site->position;
    } else if (const TrapSite* site = code->trap_at(cursor_.pc)) {
      frame.position = site->position;
    }
    frames.push_back(frame);
    cursor_.callee_stack_args = function.stack_args;
    return leave_to(cursor_.sp + (in_prologue() ? 0 : function.frame));
  }

  /// A stack probe, `test [rsp - disp32], eax`: rsp was not moved yet.
  bool in_prologue() const {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(cursor_.pc);
    return !cursor_.is_return && bytes[0] == 0x85 && bytes[1] == 0x84 && bytes[2] == 0x24 &&
           (bytes[6] & 0x80);
  }

  const WasmStack& stack_;
  Cursor cursor_;
};

}  // namespace

std::vector<Frame> backtrace(const WasmStack& stack, const Activation& activation) {
  return Walk(stack, activation).run();
}

}  // namespace nebulet::wasm
