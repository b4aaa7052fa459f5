// SPDX-License-Identifier: MIT
// The exchange that a thread serves.
#pragma once

#include "kernel/syscall/marshal.h"

namespace nebulet::kernel {

/// The exchange that the calling thread serves. Fails with no_caller.
inline Result<DoorCall*> current_exchange(CallContext& context) {
  DoorCall* const call = context.thread.place().call;
  if (call == nullptr || !call->is_exchange) return fail(Status::no_caller);
  return call;
}

}  // namespace nebulet::kernel
