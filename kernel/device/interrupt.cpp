// SPDX-License-Identifier: MIT
#include "kernel/device/interrupt.h"

#include <array>

#include "kernel/sched/spin_lock.h"

namespace nebulet::kernel {
namespace {

struct Line {
  SpinLock lock;
  Interrupt* owner = nullptr;  ///< not referenced: it takes itself out before it ends
};
constinit std::array<Line, machine::kInterruptLines> g_lines;

}  // namespace

Result<Ref<Interrupt>> Interrupt::connect(const QuotaRef& quota, std::uint32_t line,
                                          machine::InterruptTrigger trigger) {
  if (line >= g_lines.size()) return fail(Status::not_supported);
  Ref<Interrupt> interrupt = TRY(make_object<Interrupt>(quota, 0, line, trigger.level));
  {
    const SpinGuard guard(g_lines[line].lock);
    if (g_lines[line].owner != nullptr) return fail(Status::bad_state);
    if (!machine::connect_interrupt(line, trigger)) return fail(Status::not_supported);
    g_lines[line].owner = interrupt.get();
    machine::unmask_interrupt(line);
  }
  return interrupt;
}

Interrupt::~Interrupt() { disconnect(); }
void Interrupt::no_handles(DropList&) { disconnect(); }

void Interrupt::disconnect() {
  const SpinGuard guard(g_lines[line_].lock);
  if (g_lines[line_].owner != this) return;
  machine::mask_interrupt(line_);
  g_lines[line_].owner = nullptr;
}

void Interrupt::acknowledge() {
  const SpinGuard guard(g_lines[line_].lock);
  if (g_lines[line_].owner != this) return;
  signal(Signal::signaled, {});
  unacknowledged_ = 0;
  if (!masked_) return;
  masked_ = false;
  machine::unmask_interrupt(line_);
}

/// With the line's lock held.
void Interrupt::raise() {
  if (level_ || ++unacknowledged_ == kMaxUnacknowledged) {
    masked_ = true;
    machine::mask_interrupt(line_);
  }
  signal({}, Signal::signaled);
}

void Interrupt::on_line(std::uint32_t line) {
  const SpinGuard guard(g_lines[line].lock);
  if (g_lines[line].owner != nullptr)
    g_lines[line].owner->raise();
  else
    machine::mask_interrupt(line);
}

}  // namespace nebulet::kernel
