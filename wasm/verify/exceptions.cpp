// SPDX-License-Identifier: MIT
// Throwing and catching: the services that take and give values, and where calls land when they throw.
#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {

/// Behind `mov r11d, tag`: `call [r15 + service]`. The payload is passed to throw_ like arguments and comes
/// from catch_ like results; catch_ takes the exception in rax.
bool Checker::call_with_tag(Builtin service) {
  const Insn& tag = insn(1);
  if (run_ < 2 || tag.kind != Kind::mov_imm || tag.size != 4 || tag.has_mem || tag.reg != kR11)
    return fail("service without a tag");
  const auto index = static_cast<std::uint32_t>(tag.imm);
  if (index >= module_.tags.size()) return fail("unknown tag");
  const TypeAbi& payload = types_[module_.tags[index].type];
  if (service == Builtin::throw_) return finish_call({payload.arg_zero, 0, payload.stack_args, 0});
  return finish_call({1u << kRax, payload.arg_zero, 0, payload.stack_args});
}

/// The runtime enters a handler with the frame as it is during the call, the exception in rax and its tag's
/// id in rcx.
bool Checker::check_handler(std::uint32_t pc) {
  constexpr std::uint16_t kKnown = 1u << kRax | 1u << kRcx;
  const Label* label = pc >= function_->begin && pc < function_->end ? find_label(pc) : nullptr;
  if (!label) return fail("handler is not a label of the function");
  if (label->zero_extended & ~kKnown || label->bases)
    return fail("handler relies on more than the runtime gives");
  return true;
}

}  // namespace nebulet::wasm::verify
