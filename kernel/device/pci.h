// SPDX-License-Identifier: MIT
// What the kernel itself works of a PCI function: bus mastering and message interrupts. All else is the
// drivers'. What a function says of itself is checked: a device may say anything.
// Source: PCI Local Bus Specification 3.0, 6.2, 6.7, 6.8.
#pragma once

#include <cstdint>

#include "kernel/status.h"
#include "machine/include/machine/device.h"

namespace nebulet::kernel::pci {

/// bus * 256 + device * 8 + function
using Function = std::uint32_t;

/// Whether drivers may write so many bytes at this place in configuration space: the command register.
bool is_command(std::uint64_t at, std::uint32_t bytes);
/// Whether these bytes belong to message interrupts.
bool is_of_messages(std::uint64_t at, std::uint32_t bytes);
/// The function sends and fetches nothing any more.
void stop_bus_master(Function function);

/// One message interrupt of a function.
class Message {
 public:
  /// Fails with invalid_argument (no such index), not_supported.
  static Result<Message> find(Function function, std::uint32_t index);
  /// Lets the function send this, masked at first. Fails with out_of_memory. One at a time for each function.
  Result<> program(machine::InterruptMessage what) const;
  /// Any context.
  void set_mask(bool masked) const;

  Function function() const { return function_; }
  std::uint32_t index() const { return index_; }

 private:
  Function function_ = 0;
  std::uint32_t index_ = 0;
  std::uint32_t capability_ = 0;  ///< offset
  std::uint64_t table_ = 0;       ///< of MSI-X, a physical address; 0: it is MSI
  std::uint32_t entries_ = 0;     ///< of MSI-X
  std::uint32_t mask_ = 0;        ///< of MSI, offset of the mask bits; 0: there are none
  bool wide_ = false;             ///< of MSI: its address has 64 bits
};

}  // namespace nebulet::kernel::pci
