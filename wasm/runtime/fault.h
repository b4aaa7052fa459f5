// SPDX-License-Identifier: MIT
// Faults of the processor in wasm code and in kernel code that touches guest memory: the first touch of a
// page, or a trap.
#pragma once

#include <cstdint>

namespace nebulet::wasm {

/// The fault as the machine found it; `gpr` (0 rax, 1 rcx, …, 4 rsp, …, 15 r15) and `pc` may be changed.
struct Fault {
  enum class Cause : std::uint8_t { memory, divide, invalid_opcode, other };
  std::uint64_t* gpr;
  std::uint64_t* pc;
  std::uint64_t address = 0;  ///< memory only
  Cause cause = Cause::other;
  bool write = false;
};

enum class FaultResult : std::uint8_t {
  not_ours,  ///< a defect of the compiler or the kernel
  retry,     ///< a page was committed: run the instruction again
  resume,    ///< registers were changed: go on from them (a trap, or an error of a guest copy)
};

/// Runs in a fault or signal handler: takes no locks, allocates nothing but pages through Host::commit.
FaultResult handle_fault(const Fault& fault);

/// Whether `pc` lies in code of a module (not in the runtime's stubs): there a thread may be preempted at any
/// instruction.
bool is_wasm_code(std::uint64_t pc);

}  // namespace nebulet::wasm
