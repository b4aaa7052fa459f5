// SPDX-License-Identifier: MIT
// The wiring of the kernel: what the machine enters, and what it calls later.
#include <algorithm>
#include <memory>
#include <string>

#include "kernel/device/interrupt.h"
#include "kernel/init/command_line.h"
#include "kernel/init/init.h"
#include "kernel/log/log.h"
#include "kernel/process/core_dump.h"
#include "kernel/process/process.h"
#include "kernel/process/sample.h"
#include "kernel/process/thread.h"
#include "kernel/sched/scheduler.h"
#include "kernel/trace/trace.h"
#include "machine/include/machine/time.h"
#include "machine/include/machine/upcalls.h"
#include "wasm/runtime/fault.h"
#include "wasm/runtime/stack.h"

namespace nebulet::kernel {
namespace {

/// The kernel's first task: runs what the kernel was booted for, then stops the boot CPU.
class InitTask final : public Task {
 public:
  InitTask(const machine::BootInfo& boot, const CommandLine& line, std::uint64_t boot_ns)
      : boot_(boot), line_(line), boot_ns_(boot_ns) {}
  int status() const { return status_; }

 private:
  void run() override { status_ = run_init(boot_, line_, boot_ns_); }
  void finished() override { Scheduler::stop(); }

  const machine::BootInfo& boot_;
  const CommandLine& line_;
  const std::uint64_t boot_ns_;
  int status_ = kExitError;
};

/// An image brings a command line of its own, behind what the boot loader says.
std::string whole_command_line(const machine::BootInfo& boot) {
  std::string text(boot.command_line);
  for (const machine::BootModule& module : boot.modules) {
    if (module.name != "command-line") continue;
    text += ' ';
    text.append(reinterpret_cast<const char*>(module.bytes.data()), module.bytes.size());
  }
  return text;
}

}  // namespace

int kernel_main(const machine::BootInfo& boot) {
  const std::uint64_t boot_ns = machine::monotonic_ns();
  const auto line = parse_command_line(whole_command_line(boot));
  if (!line) {
    log(LogLevel::error, "command line: `{}` is not understood", line.error());
    return kExitError;
  }
  set_log_level(line->log);
  if ((line->trace || line->samples != 0) && !trace::start(boot.cpus, line->trace, line->samples)) {
    log(LogLevel::error, "there is no memory to observe {} CPUs", boot.cpus);
    return kExitError;
  }
  Scheduler::initialize(boot.cpus, 1'000'000'000 / line->hz);
  log(LogLevel::info, "{} CPUs, {} MiB, {} boot modules", boot.cpus, boot.memory_bytes >> 20,
      boot.modules.size());
  if (line->core) want_core_dump();
  InitTask init(boot, *line, boot_ns);
  if (!Scheduler::start(init)) {
    log(LogLevel::error, "out of memory for the first task");
    return kExitError;
  }
  Scheduler::run_idle();
  if (trace::is_observing()) trace::finish();
  return init.status();
}

FaultAction on_fault(machine::FaultFrame& frame) {
  using Cause = wasm::Fault::Cause;
  constexpr Cause kCauses[] = {Cause::memory, Cause::divide, Cause::invalid_opcode, Cause::other};
  const wasm::Fault fault{.gpr = frame.gpr,
                          .pc = &frame.pc,
                          .address = frame.address,
                          .cause = kCauses[static_cast<std::size_t>(frame.cause)],
                          .write = frame.write};
  switch (wasm::handle_fault(fault)) {
    case wasm::FaultResult::retry: return FaultAction::retry;
    case wasm::FaultResult::resume: return FaultAction::resume;
    case wasm::FaultResult::not_ours: return FaultAction::fatal;
  }
  return FaultAction::fatal;
}

bool on_timer(const machine::Interrupted& at) {
  if (trace::is_sampling()) [[unlikely]]
    take_sample(at.pc, at.sp);
  return Scheduler::on_timer() && wasm::is_wasm_code(at.pc);
}

void on_interrupt(std::uint32_t line) { Interrupt::on_interrupt(line); }

void on_dma_fault(std::uint32_t function, std::uint64_t address, bool write) {
  log(LogLevel::error,
      "the device {:02x}:{:02x}.{} was stopped: it wanted to {} memory at {:#x}, which it was not given",
      function >> 8, function >> 3 & 31, function & 7, write ? "write" : "read", address);
}

void* preempt_stack(std::uint64_t interrupted_sp) {
  return reinterpret_cast<void*>(wasm::WasmStack::find(interrupted_sp)->control().kernel_sp);
}

void preempt() { preempt_thread(Thread::current()); }

}  // namespace nebulet::kernel
