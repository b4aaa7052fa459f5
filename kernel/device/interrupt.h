// SPDX-License-Identifier: MIT
// The interrupts of a line, or a message of a PCI function, as an object that one can wait for.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/device/pci.h"
#include "kernel/object/object.h"
#include "kernel/status.h"
#include "machine/include/machine/device.h"

namespace nebulet::kernel {

class Interrupt final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::interrupt;
  Interrupt(Charge charge, std::uint32_t number, bool level, std::optional<pci::Message> message)
      : Object(kType), charge_(std::move(charge)), number_(number), level_(level), message_(message) {}
  ~Interrupt() override;

  /// The line's interrupts from now on, charged to `quota`. Fails with not_supported (no such line),
  /// bad_state (it has an object), out_of_memory.
  static Result<Ref<Interrupt>> connect(const QuotaRef& quota, std::uint32_t line,
                                        machine::InterruptTrigger trigger);
  /// The message `index` of a PCI function. Fails with invalid_argument (no such index), not_supported (no
  /// messages), bad_state (it has an object), limit_reached, out_of_memory.
  static Result<Ref<Interrupt>> connect_message(const QuotaRef& quota, pci::Function function,
                                                std::uint32_t index);
  /// Clears `signaled`; the next interrupt may come.
  void acknowledge();

  /// A line or message interrupted. In the machine's handler.
  static void on_interrupt(std::uint32_t number);

 private:
  void no_handles(DropList& list) override;
  void disconnect();
  void raise();
  void set_mask(bool masked);

  /// So many changes of voltage or messages may come unacknowledged before they are masked, so that a device
  /// gone mad costs its driver's time only.
  static constexpr std::uint32_t kMaxUnacknowledged = 64;

  const Charge charge_;
  const std::uint32_t number_;  ///< of the machine
  const bool level_;
  const std::optional<pci::Message> message_;
  std::uint32_t unacknowledged_ = 0;  ///< under the number's lock, as the next
  bool masked_ = false;
};

}  // namespace nebulet::kernel
