// SPDX-License-Identifier: MIT
// The interrupts of a line as an object that one can wait for.
#pragma once

#include <cstdint>

#include "kernel/object/object.h"
#include "kernel/status.h"
#include "machine/include/machine/device.h"

namespace nebulet::kernel {

class Interrupt final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::interrupt;
  Interrupt(Charge charge, std::uint32_t line, bool level)
      : Object(kType), charge_(std::move(charge)), line_(line), level_(level) {}
  ~Interrupt() override;

  /// The line's interrupts from now on, charged to `quota`. Fails with not_supported (no such line),
  /// bad_state (it has an object), out_of_memory.
  static Result<Ref<Interrupt>> connect(const QuotaRef& quota, std::uint32_t line,
                                        machine::InterruptTrigger trigger);
  /// Clears `signaled`; the line may interrupt again.
  void acknowledge();

  /// The line interrupted. In the machine's handler.
  static void on_line(std::uint32_t line);

 private:
  void no_handles(DropList& list) override;
  void disconnect();
  void raise();

  /// So many changes of voltage may come unacknowledged before the line is masked, so that a device gone mad
  /// costs its driver's time only.
  static constexpr std::uint32_t kMaxUnacknowledged = 64;

  const Charge charge_;
  const std::uint32_t line_;
  const bool level_;
  std::uint32_t unacknowledged_ = 0;  ///< under the line's lock, as the next
  bool masked_ = false;
};

}  // namespace nebulet::kernel
