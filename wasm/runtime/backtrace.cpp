// SPDX-License-Identifier: MIT
#include "wasm/runtime/frames.h"
#include "wasm/runtime/unwind.h"

namespace nebulet::wasm {

std::vector<Frame> backtrace(const WasmStack& stack, const Activation& activation) {
  FrameWalk walk(stack, {.pc = activation.pc,
                         .sp = activation.sp,
                         .is_return = activation.at_call,
                         .stack_args = activation.stack_args});
  std::vector<Frame> frames;
  while (frames.size() < kMaxBacktrace && walk.find_function()) {
    const std::uint64_t pc = walk.cursor().pc;
    Frame frame;
    frame.code = &walk.code();
    frame.function = walk.function();
    frame.name = walk.code().function_name(frame.function);
    if (walk.cursor().is_return) {
      if (const CallSite* site = walk.code().call_returning_to(pc)) frame.position = site->position;
    } else if (const TrapSite* site = walk.code().trap_at(pc)) {
      frame.position = site->position;
    }
    frames.push_back(frame);
    walk.leave();
  }
  return frames;
}

}  // namespace nebulet::wasm
