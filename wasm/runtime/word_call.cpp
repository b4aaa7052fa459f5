// SPDX-License-Identifier: MIT
#include "wasm/runtime/word_call.h"

#include <algorithm>

namespace nebulet::wasm {
namespace {

/// For the stubs and the first frames; what more the function needs is a matter of its thread's stack.
constexpr std::uint64_t kRoom = 64 * 1024;

}  // namespace

bool WordCall::takes(const Function& function) {
  const FuncType& type = *function.type;
  return !function.is_host && type.params.size() == kWords && type.results.size() == 1 &&
         std::ranges::all_of(type.params, [](const ValType& t) { return t == kI64; }) &&
         type.results[0] == kI64;
}

bool WordCall::has_room(const WasmStack& stack) { return stack.control().wasm_sp - stack.low() >= kRoom; }

void WordCall::prepare(WasmStack& stack, Function& function) {
  control_ = &stack.control();
  waiting_ = *control_;
  activation_ = {};
  activation_.control = control_;
  activation_.context = function.context;
  activation_.memory_base = function.context->memory_base;
  activation_.start_sp = control_->wasm_sp & ~15ull;
  activation_.slot.code = function.code;
  activation_.slot.target = &function;
  activation_.previous = control_->activation;
  activation_.outer_wasm_sp = control_->wasm_sp;
  activation_.outer_stack_args = control_->stack_args;
}

WordCall::End WordCall::run(const Words& words) {
  std::ranges::copy(words, activation_.gpr);
  activation_.end = Activation::End::returned;
  control_->activation = &activation_;
  nb_enter_words(&activation_);
  *control_ = waiting_;
  switch (activation_.end) {
    case Activation::End::returned: return End::returned;
    case Activation::End::unwound: return End::unwound;
    case Activation::End::trapped:
    case Activation::End::thrown: break;
  }
  return End::failed;
}

void WordCall::hand_over() const {
  Activation& outer = *control_->activation;
  outer.end = activation_.end;
  outer.trap = activation_.trap;
  outer.pc = activation_.pc;
  outer.sp = activation_.sp;
  outer.at_call = activation_.at_call;
  outer.stack_args = activation_.stack_args;
  outer.exception = activation_.exception;
}

void WordCall::end_if_failed(WasmStack& stack) {
  Activation& activation = *stack.control().activation;
  if (activation.end != Activation::End::returned) nb_unwind(&activation);
}

}  // namespace nebulet::wasm
