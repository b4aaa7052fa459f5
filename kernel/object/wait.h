// SPDX-License-Identifier: MIT
// Waiting for signals of objects.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/object/object.h"

namespace nebulet::kernel {

struct WaitItem {
  Ref<Object> object;
  Signals mask;
  Signals observed = {};  ///< the object's signals when the wait ended
};
constexpr std::size_t kMaxWaitItems = 64;

/// Waits until one of the items has a signal of its mask, at most until the monotonic time `deadline` or
/// until `cancelled`. At most kMaxWaitItems. Fails with timed_out; `observed` is filled in then too. Thread
/// context.
Result<> wait_for_signals(std::span<WaitItem> items, std::uint64_t deadline,
                          const std::atomic<bool>& cancelled);

}  // namespace nebulet::kernel
