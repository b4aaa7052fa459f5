// SPDX-License-Identifier: MIT
// Tail calls: the end of the function by a jump to another one, with rsp and the return address where that
// one expects them. Within the sequence fetch() refuses labels, so control enters it at its head only.
#include <algorithm>

#include "wasm/verify/checker.h"

namespace nebulet::wasm::verify {
namespace {

bool on_stack(const Insn& i) {
  return i.has_mem && i.mem.base == kRsp && i.mem.index == kNone && !i.mem.gs && !i.mem.addr32;
}

}  // namespace

/// `mov r11, [rsp + frame]`: the only access to the return address, at the head of the moves.
bool Checker::takes_return_address(const Insn& i) const {
  return i.kind == Kind::mov && i.size == 8 && i.reg_is_dst && i.reg == kR11 && on_stack(i) &&
         i.mem.disp == static_cast<std::int64_t>(function_->frame);
}

/// From the instruction in hand on: the return address may move, the frame is taken down, then comes the
/// jump. `slot`: r10 is the slot of an element that was checked, of this convention; null for other callees.
bool Checker::leave(const TypeAbi* slot) {
  const std::int64_t frame = function_->frame;
  std::int64_t top = frame;  // where the return address lies
  if (takes_return_address(insn()) && !move_arguments(top)) return false;
  if (top != 0) {
    const Insn& i = insn();
    if (i.kind != Kind::alu_imm || i.sub != kAdd || i.size != 8 || i.rm != kRsp || i.imm != top)
      return fail("frame is not taken down before a tail call");
    if (!fetch()) return false;
  }
  const std::int64_t arguments = frame + own_.stack_args - top;
  const Insn& i = insn();
  if (slot) {
    if (!jumps_through_slot(i)) return fail("indirect call is not the sequence");
    return finish_tail_call(*slot, arguments);
  }
  if (i.kind == Kind::lea) {
    const TypeAbi* import = import_slot(i);
    if (!import) return false;
    if (!fetch()) return false;
    if (!jumps_through_slot(insn())) return fail("import slot without its call");
    return finish_tail_call(*import, arguments);
  }
  if (i.kind != Kind::jmp) return fail("rsp changes outside prologue and epilogue");
  const TypeAbi* callee = function_at(next_ + i.imm);
  return callee ? finish_tail_call(*callee, arguments) : fail("tail call to something else than a function");
}

/// From the load of the return address to the store that puts it to its new place, which becomes `top`. In
/// between, eight bytes at a time go from the frame to above that place. The old place may be overwritten.
bool Checker::move_arguments(std::int64_t& top) {
  static constexpr const char* kRule = "move of a tail call's arguments is not the sequence";
  const std::int64_t frame = function_->frame, end = frame + 8 + own_.stack_args;
  std::int64_t lowest = end;
  for (;;) {
    if (!fetch()) return false;
    const Insn& i = insn();
    if (!on_stack(i) || i.mem.width != 8) return fail(kRule);
    const std::int64_t at = i.mem.disp;
    if (i.kind == Kind::mov) {
      if (i.reg_is_dst || i.reg != kR11 || at < 0 || at % 8 != 0 || at > end - 8 || lowest < at + 8)
        return fail(kRule);
      top = at;
      return fetch();
    }
    // A load or store of a vector register.
    if (i.kind != Kind::plain || i.written != 0 || i.named != 0) return fail(kRule);
    if (i.mem.write) {
      if (at < 0 || at > end - 8) return fail(kRule);
      lowest = std::min(lowest, at);
    } else if (at < 0 || at > frame - 8) {
      return fail(kRule);
    }
  }
}

bool Checker::jumps_through_slot(const Insn& i) const {
  return i.kind == Kind::jmp_rm && i.has_mem && i.mem.base == kR10 && i.mem.index == kNone &&
         i.mem.disp == offsetof(FuncSlot, code) && !i.mem.gs && !i.mem.addr32;
}

/// The convention of the function that begins at `target`, if one does.
const TypeAbi* Checker::function_at(std::int64_t target) const {
  const auto& functions = code_.functions;
  const auto at = std::lower_bound(functions.begin(), functions.end(), target,
                                   [](const CodeFunction& f, std::int64_t t) { return f.begin < t; });
  if (at == functions.end() || at->begin != target) return nullptr;
  const auto callee = static_cast<std::size_t>(at - functions.begin());
  return &types_[module_.functions[module_.imported_functions + callee].type];
}

/// The callee finds its arguments and returns to this function's caller, as this function would have.
bool Checker::finish_tail_call(const TypeAbi& abi, std::int64_t arguments) {
  if (abi.stack_args != arguments) return fail("stack arguments of a tail call are not where its type says");
  if (abi.stack_results != own_.stack_results)
    return fail("stack results of a tail call are of another size");
  if (abi.arg_zero & ~state_) return fail("argument is not zero-extended");
  if (own_.result_zero & ~abi.result_zero) return fail("result of a tail call is not zero-extended");
  live_ = false;
  return true;
}

}  // namespace nebulet::wasm::verify
