// SPDX-License-Identifier: MIT
// thread.*, clock.*
#include "machine/include/machine/time.h"
#include "abi/generated/calls.h"
#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {

Result<> sys_thread_yield(CallContext&) {
  Scheduler::yield();
  return {};
}

Result<> sys_thread_sleep_until(CallContext& context, std::uint64_t deadline) {
  while (machine::monotonic_ns() < deadline && !context.process.exiting()) Scheduler::park_until(deadline);
  return {};
}

Result<std::uint64_t> sys_clock_read(CallContext& context, abi::Clock clock) {
  switch (clock) {
    case abi::Clock::monotonic: return machine::monotonic_ns();
    case abi::Clock::realtime: return machine::realtime_ns();
    case abi::Clock::process_cpu: return context.process.cpu_ns();
    case abi::Clock::thread_cpu: return Scheduler::cpu_ns(context.thread);
  }
  return fail(Status::invalid_argument);
}

}  // namespace nebulet::kernel
