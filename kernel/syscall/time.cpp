// SPDX-License-Identifier: MIT
// thread.*, clock.*
#include "machine/include/machine/time.h"

#include "abi/generated/calls.h"
#include "kernel/process/run.h"
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

Result<std::uint64_t> sys_thread_spawn(CallContext& context, std::uint32_t argument) {
  constexpr std::uint64_t kMaxNumber = (1u << 29) - 1;  // what wasi-threads allows
  const std::uint64_t number = context.process.next_thread_number();
  if (number > kMaxNumber) return fail(Status::limit_reached);
  const Program& program = *context.binding.program;
  Ref<Thread> thread = TRY(make_thread(context.process, program, program.served_by(context.binding),
                                       static_cast<std::uint32_t>(number), argument));
  HandleTable& table = context.process.handles();
  const HandleValue handle =
      TRY(table.insert(Handle(thread, Right::duplicate | Right::transfer | Right::wait)));
  if (!thread->launch()) {
    (void)table.close(handle);
    return fail(Status::bad_state);
  }
  return number << 32 | static_cast<std::uint32_t>(handle);
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
