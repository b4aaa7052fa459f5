// SPDX-License-Identifier: MIT
// Tail calls: arguments and return address go where the callee expects them, the frame goes, the callee runs.
#include "wasm/runtime/layout.h"
#include "wasm/x64/function_emitter.h"

namespace nebulet::wasm::x64 {
namespace {

constexpr std::uint8_t kSlot = 10, kReturn = 11;
constexpr MOpInfo kMov{"mov", Shape::load, 0, 0, 0x8b, 0, Width::sized};

Rm based(std::uint8_t base, std::uint32_t disp) {
  Mem m;
  m.base = base;
  m.disp = static_cast<std::int32_t>(disp);
  return Rm::of_mem(m);
}

}  // namespace

// The arguments end where this function's own arguments end, so the return address lies `top` above rsp.
void FunctionEmitter::encode_tail_call(const mir::Inst& inst) {
  const auto arguments = static_cast<std::uint32_t>(inst.disp);
  const std::uint32_t top = frame_ + stack_args_ - arguments;
  const MOp op = static_cast<MOp>(inst.op);
  if (op == MOp::tail_indirect) check_element(inst);
  a_.reserve();
  if (arguments != stack_args_) {
    a_.legacy(kMov, 0x8b, 8, kReturn, based(rsp.encoding(), frame_), 0);
    // From the outgoing area, upwards: from the last to the first.
    for (std::uint32_t at = inst.aux; at != 0; at -= 8) {
      a_.reserve();
      a_.vex(info(MOp::vmov_load), 8, kVecScratch.encoding(), 0, based(rsp.encoding(), at - 8), 0);
      a_.vex(info(MOp::vmov_store), 8, kVecScratch.encoding(), 0, based(rsp.encoding(), top + at), 0);
    }
    a_.reserve();
    a_.legacy(kMov, 0x89, 8, kReturn, based(rsp.encoding(), top), 0);
  }
  if (top) {
    const bool small = top < 128;
    a_.legacy(info(MOp::add_ri), small ? 0x83 : 0x81, 8, 0, Rm::of_reg(rsp.encoding()), small ? 1 : 4);
    if (small)
      a_.byte(static_cast<std::uint8_t>(top));
    else
      a_.dword(top);
  }
  if (op == MOp::tail_call) {
    a_.byte(0xe9);
    builder_.call_fixups_.push_back({a_.size(), static_cast<std::uint32_t>(inst.imm)});
    return a_.dword(0);
  }
  if (op == MOp::tail_import)
    a_.legacy(info(MOp::lea), 0x8d, 8, kSlot,
              based(kContext.encoding(), static_cast<std::uint32_t>(inst.imm)), 0);
  through_memory(based(kSlot, 0), true);
}

}  // namespace nebulet::wasm::x64
