// SPDX-License-Identifier: MIT
#include "kernel/process/trap_report.h"

#include <algorithm>
#include <format>

#include "kernel/log/log.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

/// Longer names are cut: log lines have a limit, and what follows the name matters more.
constexpr std::size_t kMaxName = 300;

/// The wasm instruction; for a fault before the function's first one, where its body begins.
std::uint32_t position_of(const wasm::Frame& frame) {
  return frame.position != 0 ? frame.position : frame.code->module().functions[frame.function].body_begin;
}

void report_frame(const wasm::Frame& frame, std::string_view by, std::string_view module) {
  if (frame.name.empty()) {
    log(LogLevel::error, "  {} function {}, byte {:#x} of {}", by, frame.function, position_of(frame),
        module);
  } else {
    log(LogLevel::error, "  {} {} (function {}), byte {:#x} of {}", by, frame.name.substr(0, kMaxName),
        frame.function, position_of(frame), module);
  }
}

}  // namespace

void report_trap(Process& process, const wasm::Outcome& outcome, std::string_view name,
                 const wasm::ModuleCode& code) {
  name = name.substr(0, kMaxName);
  log(LogLevel::error, "{}: trap: {}", name, wasm::ir::trap_text(outcome.trap));
  if (outcome.trap == wasm::Trap::out_of_memory) {
    log(LogLevel::error, "  it has {} MiB of at most {} MiB, and the machine has {} MiB free",
        process.quota()->used() >> 20, process.quota()->limit() >> 20, machine::free_memory() >> 20);
  }
  const auto& frames = outcome.backtrace;
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t end = i + 1;
    while (end < frames.size() && frames[end].code == frames[i].code &&
           frames[end].position == frames[i].position)
      ++end;
    report_frame(frames[i], i == 0 ? "at" : "called by", frames[i].code == &code ? name : "wasi");
    if (end - i > 1) log(LogLevel::error, "  … {} times", end - i);  // recursion
    i = end;
  }
  if (frames.size() == wasm::kMaxBacktrace) log(LogLevel::error, "  … and what called that");
}

}  // namespace nebulet::kernel
