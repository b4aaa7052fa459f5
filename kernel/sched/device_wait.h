// SPDX-License-Identifier: MIT
// Waiting for the machine's devices, which are polled after interrupts.
#pragma once

#include "kernel/sched/wait_queue.h"

namespace nebulet::kernel {

/// Tasks whose condition asks the machine ("is there input?"). Woken whenever an interrupt ended an idle
/// CPU's sleep and with each timer tick of a busy one.
WaitQueue& device_waiters();

}  // namespace nebulet::kernel
