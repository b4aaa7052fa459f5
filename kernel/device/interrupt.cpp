// SPDX-License-Identifier: MIT
#include "kernel/device/interrupt.h"

#include <array>

#include "kernel/sched/spin_lock.h"

namespace nebulet::kernel {
namespace {

struct Source {
  SpinLock lock;
  Interrupt* owner = nullptr;  ///< not referenced: it takes itself out before it ends
};
constinit std::array<Source, machine::kInterruptLines + machine::kMessageInterrupts> g_sources;

/// Which messages have numbers. Its lock is taken before a source's.
struct Messages {
  struct Place {
    bool used = false;
    pci::Function function = 0;
    std::uint32_t index = 0;
  };
  SpinLock lock;
  std::array<Place, machine::kMessageInterrupts> places;
};
constinit Messages g_messages;

/// A place for a message that has none, as its index.
Result<std::uint32_t> take_place(const pci::Message& message) NB_REQUIRES(g_messages.lock) {
  std::uint32_t found = machine::kMessageInterrupts;
  for (std::uint32_t i = machine::kMessageInterrupts; i-- > 0;) {
    const Messages::Place& place = g_messages.places[i];
    if (!place.used)
      found = i;
    else if (place.function == message.function() && place.index == message.index())
      return fail(Status::bad_state);
  }
  if (found == machine::kMessageInterrupts) return fail(Status::limit_reached);
  g_messages.places[found] = {true, message.function(), message.index()};
  return found;
}

}  // namespace

Result<Ref<Interrupt>> Interrupt::connect(const QuotaRef& quota, std::uint32_t line,
                                          machine::InterruptTrigger trigger) {
  if (line >= machine::kInterruptLines) return fail(Status::not_supported);
  Ref<Interrupt> interrupt = TRY(make_object<Interrupt>(quota, 0, line, trigger.level, std::nullopt));
  {
    const SpinGuard guard(g_sources[line].lock);
    if (g_sources[line].owner != nullptr) return fail(Status::bad_state);
    if (!machine::connect_interrupt(line, trigger)) return fail(Status::not_supported);
    g_sources[line].owner = interrupt.get();
    machine::unmask_interrupt(line);
  }
  return interrupt;
}

Result<Ref<Interrupt>> Interrupt::connect_message(const QuotaRef& quota, pci::Function function,
                                                  std::uint32_t index) {
  const pci::Message message = TRY(pci::Message::find(function, index));
  Ref<Interrupt> interrupt;
  {
    const SpinGuard guard(g_messages.lock);
    const std::uint32_t place = TRY(take_place(message));
    const std::uint32_t number = machine::kInterruptLines + place;
    Result<Ref<Interrupt>> made = make_object<Interrupt>(quota, 0, number, false, message);
    Result<> programmed = made ? message.program(machine::interrupt_message(number)) : fail(made.error());
    if (!programmed) {
      g_messages.places[place].used = false;
      return fail(programmed.error());
    }
    interrupt = std::move(*made);
    const SpinGuard source_guard(g_sources[number].lock);
    g_sources[number].owner = interrupt.get();
    message.set_mask(false);
  }
  return interrupt;
}

Interrupt::~Interrupt() { disconnect(); }
void Interrupt::no_handles(DropList&) { disconnect(); }

void Interrupt::disconnect() {
  const SpinGuard messages_guard(g_messages.lock);
  const SpinGuard guard(g_sources[number_].lock);
  if (g_sources[number_].owner != this) return;
  set_mask(true);
  g_sources[number_].owner = nullptr;
  if (message_) g_messages.places[number_ - machine::kInterruptLines].used = false;
}

void Interrupt::set_mask(bool masked) {
  masked_ = masked;
  if (message_)
    message_->set_mask(masked);
  else if (masked)
    machine::mask_interrupt(number_);
  else
    machine::unmask_interrupt(number_);
}

void Interrupt::acknowledge() {
  const SpinGuard guard(g_sources[number_].lock);
  if (g_sources[number_].owner != this) return;
  signal(Signal::signaled, {});
  unacknowledged_ = 0;
  if (masked_) set_mask(false);
}

/// With the number's lock held.
void Interrupt::raise() {
  if (level_ || ++unacknowledged_ == kMaxUnacknowledged) set_mask(true);
  signal({}, Signal::signaled);
}

void Interrupt::on_interrupt(std::uint32_t number) {
  const SpinGuard guard(g_sources[number].lock);
  if (g_sources[number].owner != nullptr)
    g_sources[number].owner->raise();
  else if (number < machine::kInterruptLines)
    machine::mask_interrupt(number);  // a message that nobody has was on its way
}

}  // namespace nebulet::kernel
