// SPDX-License-Identifier: MIT
#include "kernel/process/trap_report.h"

#include <string_view>

#include "kernel/log/log.h"

namespace nebulet::kernel {

namespace {

void report_frame(const wasm::Frame& frame, std::string_view by) {
  if (frame.name.empty()) {
    log(LogLevel::error, "  {} function {}, byte {:#x} of the module", by, frame.function, frame.position);
  } else {
    log(LogLevel::error, "  {} {} (function {}), byte {:#x} of the module", by, frame.name, frame.function,
        frame.position);
  }
}

}  // namespace

void report_trap(const wasm::Outcome& outcome) {
  log(LogLevel::error, "trap: {}", wasm::ir::trap_text(outcome.trap));
  const auto& frames = outcome.backtrace;
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t end = i + 1;
    while (end < frames.size() && frames[end].code == frames[i].code &&
           frames[end].position == frames[i].position)
      ++end;
    report_frame(frames[i], i == 0 ? "at" : "called by");
    if (end - i > 1) log(LogLevel::error, "  … {} times", end - i);  // recursion
    i = end;
  }
}

}  // namespace nebulet::kernel
