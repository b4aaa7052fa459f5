// SPDX-License-Identifier: MIT
#include "wasm/runtime/frames.h"

#include <cstring>

#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

/// What the code at a return address takes back of the stack: `sub rsp, n`, which the verifier admits nowhere
/// but there. It is what the call site passed; a tail call may have replaced the callee by one that popped
/// another number of bytes.
std::uint32_t taken_back_at(std::uint64_t pc) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(pc);
  if (bytes[0] != 0x48 || bytes[2] != 0xec) return 0;
  if (bytes[1] == 0x83) return bytes[3];
  std::uint32_t n = 0;
  if (bytes[1] == 0x81) std::memcpy(&n, bytes + 3, sizeof n);
  return n;
}

}  // namespace

bool FrameWalk::load(std::uint64_t address, std::uint64_t& value) const {
  if (address < stack_.low() || address > stack_.top() - 8) return false;
  value = *reinterpret_cast<const std::uint64_t*>(address);
  return true;
}

void FrameWalk::leave_to(std::uint64_t return_address_at, std::uint32_t stack_args) {
  cursor_.is_return = true;
  cursor_.sp = return_address_at + 8;
  cursor_.stack_args = stack_args;
  if (!load(return_address_at, cursor_.pc)) cursor_.pc = 0;
}

/// Calls between instances: the stub has pushed the caller's context, and for stack values its target below
/// it.
bool FrameWalk::through_stub() {
  std::uint64_t at = cursor_.sp + cursor_.stack_args, target = 0, context = 0;
  if (cursor_.pc == address_of(nb_foreign_return)) {
    if (!load(at, context)) return false;
  } else {
    if (cursor_.pc == address_of(nb_foreign_small_return))
      at += NB_FOREIGN_SMALL;
    else if (cursor_.pc == address_of(nb_foreign_large_return))
      at += NB_FOREIGN_LARGE;
    else
      return false;
    if (!load(at, target) || !load(at + 8, context)) return false;
    at += 8;
  }
  cursor_.context = reinterpret_cast<InstanceContext*>(context);
  leave_to(at + 8, target ? reinterpret_cast<const FuncTarget*>(target)->stack_args : 0);
  return true;
}

bool FrameWalk::find_function() {
  while (cursor_.is_return && through_stub()) {  // each step moves up the stack
  }
  const std::uint64_t pc = cursor_.is_return ? cursor_.pc - 1 : cursor_.pc;
  code_ = ModuleCode::find(pc);
  const std::int64_t defined = code_ ? code_->defined_function_at(pc) : -1;
  if (defined < 0) return false;
  function_ = static_cast<std::uint32_t>(defined);
  return true;
}

std::uint64_t FrameWalk::frame_bottom() const {
  return cursor_.is_return ? cursor_.sp + cursor_.stack_args - taken_back_at(cursor_.pc) : cursor_.sp;
}

void FrameWalk::leave() {
  const CodeFunction& function = code_->code().functions[function_];
  leave_to(frame_bottom() + (in_prologue() ? 0 : function.frame), function.stack_args);
}

/// A stack probe, `test [rsp - disp32], eax`: rsp was not moved yet.
bool FrameWalk::in_prologue() const {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(cursor_.pc);
  return !cursor_.is_return && bytes[0] == 0x85 && bytes[1] == 0x84 && bytes[2] == 0x24 && (bytes[6] & 0x80);
}

}  // namespace nebulet::wasm
