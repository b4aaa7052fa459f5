// SPDX-License-Identifier: MIT
#include "kernel/process/sample.h"

#include <array>

#include "kernel/process/thread.h"
#include "kernel/sched/scheduler.h"
#include "kernel/trace/trace.h"
#include "machine/include/machine/cpu.h"
#include "wasm/runtime/fault.h"
#include "wasm/runtime/sample.h"

namespace nebulet::kernel {

void take_sample(std::uint64_t pc, std::uint64_t sp) {
  if (machine::cpu_local() == nullptr || !trace::is_sample_due()) return;
  Task* const task = Scheduler::current();
  if (task == nullptr) return;
  Thread* const thread = task->as_thread();
  if (thread == nullptr || thread->place().process == nullptr)
    return trace::sample(task->number(), 0, trace::kInKernel, {});
  std::array<std::uint64_t, trace::kMaxSampled> functions;
  std::size_t count = 0;
  std::uint16_t in = trace::kInKernel;
  if (wasm::is_wasm_code(pc)) {
    in = trace::kInWasm;
    count = wasm::sample_wasm(pc, sp, functions);
  } else if (wasm::WasmStack::find(sp) != nullptr) {
    in = trace::kBetweenInstances;
  } else if (thread->current_call() != 0) {
    in = thread->current_call();
    count = wasm::sample_host_call(*thread->place().stack, functions);
  }
  trace::sample(thread->number(), thread->place().process->id(), in, std::span(functions).first(count));
}

}  // namespace nebulet::kernel
