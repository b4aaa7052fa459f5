// SPDX-License-Identifier: MIT
// Entry of exceptions and interrupts, and the vectors that the machine uses.
#pragma once

#include <cstdint>

namespace nebulet::machine {

/// As interrupts.S pushes it; gpr in the processor's numbering.
struct InterruptFrame {
  std::uint64_t gpr[16];
  std::uint64_t vector;
  std::uint64_t error;
  std::uint64_t pc;
  std::uint64_t cs;
  std::uint64_t flags;
  std::uint64_t sp;
  std::uint64_t ss;
};

enum Vector : std::uint8_t {
  kDivideError = 0,
  kNonMaskable = 2,
  kInvalidOpcode = 6,
  kDoubleFault = 8,
  kPageFault = 14,
  kMachineCheck = 18,
  kExceptions = 32,
  kPicSpurious = 0x20,  ///< to 0x2f: where the masked legacy controllers would deliver
  kTimer = 0x40,
  kWake = 0x41,
  kTlb = 0x42,
  kSerial = 0x43,
  kVirtio = 0x44,
  kDmaFault = 0x45,
  kFirstLine =
      0x50,  ///< to 0xef: interrupts that drivers have, lines and then messages, see machine/device.h
  kSpurious = 0xff,
};

void load_interrupt_table();
/// From here on faults go to kernel::on_fault; before, each is a panic.
void hand_faults_to_kernel();

}  // namespace nebulet::machine
