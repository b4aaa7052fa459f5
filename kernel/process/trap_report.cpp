// SPDX-License-Identifier: MIT
#include "kernel/process/trap_report.h"

#include <string_view>

#include "kernel/log/log.h"

namespace nebulet::kernel {

void report_trap(const wasm::Outcome& outcome) {
  log(LogLevel::error, "trap: {}", wasm::ir::trap_text(outcome.trap));
  for (const wasm::Frame& frame : outcome.backtrace) {
    const std::string_view by = &frame == outcome.backtrace.data() ? "at" : "called by";
    if (frame.name.empty()) {
      log(LogLevel::error, "  {} function {}, byte {:#x} of the module", by, frame.function, frame.position);
    } else {
      log(LogLevel::error, "  {} {} (function {}), byte {:#x} of the module", by, frame.name, frame.function,
          frame.position);
    }
  }
}

}  // namespace nebulet::kernel
