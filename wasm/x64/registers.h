// SPDX-License-Identifier: MIT
// Which register is for what in generated code. docs/concepts/generated-code.md is the prose of it.
#pragma once

#include <array>

#include "wasm/regalloc/mir.h"

namespace nebulet::wasm::x64 {

using mir::PReg;

constexpr PReg rax = mir::gpr(0), rcx = mir::gpr(1), rdx = mir::gpr(2), rbx = mir::gpr(3), rsp = mir::gpr(4),
               rbp = mir::gpr(5), rsi = mir::gpr(6), rdi = mir::gpr(7), r8 = mir::gpr(8), r9 = mir::gpr(9),
               r10 = mir::gpr(10), r11 = mir::gpr(11), r12 = mir::gpr(12), r13 = mir::gpr(13),
               r14 = mir::gpr(14), r15 = mir::gpr(15);
constexpr PReg xmm(std::uint8_t n) { return mir::vec(n); }

/// The InstanceContext of the running instance; set by thunks only.
constexpr PReg kContext = r15;
/// Never allocated: scratch of moves between slots and of instruction sequences that need one vector
/// register.
constexpr PReg kVecScratch = xmm(15);

/// Arguments and results of wasm functions, by class, in order. What does not fit goes to the stack. No
/// register is preserved by a call.
constexpr std::array kGprArgs = {rax, rcx, rdx, rbx, rsi, rdi, r8, r9};
constexpr std::array kVecArgs = {xmm(0), xmm(1), xmm(2), xmm(3), xmm(4), xmm(5), xmm(6), xmm(7)};

constexpr mir::PRegSet kAllocatable = {0xffffffffu & ~(1u << rsp.number) & ~(1u << kContext.number) &
                                       ~(1u << kVecScratch.number)};

}  // namespace nebulet::wasm::x64
