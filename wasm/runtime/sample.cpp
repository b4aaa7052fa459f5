// SPDX-License-Identifier: MIT
#include "wasm/runtime/sample.h"

#include <cstring>

#include "wasm/runtime/frames.h"

namespace nebulet::wasm {
namespace {

using Bytes = const std::uint8_t*;

/// `add rsp, n` or `sub rsp, n` at `at`: its length, else 0; `n` is the operand.
std::uint32_t moves_sp(Bytes at, std::uint8_t modrm, std::uint32_t& n) {
  if (at[0] != 0x48 || at[2] != modrm) return 0;
  if (at[1] == 0x83) return n = at[3], 4;
  if (at[1] != 0x81) return 0;
  std::memcpy(&n, at + 3, sizeof n);
  return 7;
}
constexpr std::uint8_t kAdd = 0xc4, kSub = 0xec;

/// How much of the function lies before `at`.
bool is_behind_add(Bytes at, Bytes begin) {
  std::uint32_t n = 0;
  return (at - begin >= 4 && moves_sp(at - 4, kAdd, n) == 4) ||
         (at - begin >= 7 && moves_sp(at - 7, kAdd, n) == 7);
}

/// Where the return address lies. The verifier admits changes of rsp only in the prologue (`sub` behind the
/// stack probes), behind calls (`sub` of what the callee popped), and at the end: `add`, then `ret`, or a
/// tail call's jump, which `lea r10, [r15 + slot]` may precede.
std::uint64_t return_address_at(const CodeFunction& function, Bytes begin, Bytes at, std::uint64_t sp) {
  constexpr std::uint32_t kProbe = 7, kLea = 7;
  Bytes prologue_end = begin;
  std::uint32_t n = 0;
  while (prologue_end[0] == 0x85 && prologue_end[1] == 0x84 && prologue_end[2] == 0x24)
    prologue_end += kProbe;
  if (function.frame != 0) prologue_end += moves_sp(prologue_end, kSub, n);
  if (at < prologue_end) return sp;
  if (moves_sp(at, kSub, n) != 0) return sp - n + function.frame;
  if (at[0] == 0xc3 || at[0] == 0xc2 || is_behind_add(at, begin)) return sp;
  const bool jumps = at[0] == 0x41 && at[1] == 0xff && at[2] == 0x22;  // jmp [r10]
  if (jumps && at - begin >= kLea && at[-7] == 0x4d && at[-6] == 0x8d && at[-5] == 0x97 &&
      is_behind_add(at - kLea, begin))
    return sp;
  return sp + function.frame;
}

/// Only through return addresses of calls that the code is known to make: what lies on a stack need not be
/// one in the middle of a tail call.
std::size_t walk(FrameWalk& frames, std::span<std::uint64_t> functions, std::size_t count) {
  for (; count < functions.size() && frames.find_function(); ++count) {
    if (!frames.code().call_returning_to(frames.cursor().pc)) break;
    functions[count] = frames.code().entry(frames.function());
    frames.leave();
  }
  return count;
}

}  // namespace

std::size_t sample_wasm(std::uint64_t pc, std::uint64_t sp, std::span<std::uint64_t> functions) {
  const ModuleCode* code = ModuleCode::find(pc);
  const WasmStack* stack = WasmStack::find(sp);
  const std::int64_t defined = code != nullptr ? code->defined_function_at(pc) : -1;
  if (stack == nullptr || defined < 0 || functions.empty()) return 0;
  const CodeFunction& function = code->code().functions[static_cast<std::size_t>(defined)];
  const std::uint64_t begin = code->text() + function.begin;
  functions[0] = begin;
  const std::uint64_t at =
      return_address_at(function, reinterpret_cast<Bytes>(begin), reinterpret_cast<Bytes>(pc), sp);
  if (at < stack->low() || at > stack->top() - 8) return 1;
  FrameWalk frames(*stack, {.pc = *reinterpret_cast<const std::uint64_t*>(at),
                            .sp = at + 8,
                            .is_return = true,
                            .stack_args = function.stack_args});
  return walk(frames, functions, 1);
}

std::size_t sample_host_call(const WasmStack& stack, std::span<std::uint64_t> functions) {
  const StackControl& control = stack.control();
  if (control.wasm_sp < stack.low() || control.wasm_sp > stack.top() - 8) return 0;
  FrameWalk frames(stack, {.pc = *reinterpret_cast<const std::uint64_t*>(control.wasm_sp),
                           .sp = control.wasm_sp + 8,
                           .is_return = true,
                           .stack_args = static_cast<std::uint32_t>(control.stack_args)});
  return walk(frames, functions, 0);
}

}  // namespace nebulet::wasm
