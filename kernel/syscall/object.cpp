// SPDX-License-Identifier: MIT
// object.*, event.*, timer.*, wait_set.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/object/wait.h"

namespace nebulet::kernel {
namespace {

/// Deadlines and periods beyond are never reached, and sums of two do not wrap.
constexpr std::uint64_t kMaxTime = 1ull << 62;
constexpr std::size_t kMaxEvents = 64;

Result<HandleValue> give(CallContext& context, Ref<Object> object, Rights rights) {
  return context.process.handles().insert(Handle(std::move(object), rights));
}

}  // namespace

Result<std::uint32_t> sys_object_wait(CallContext& context, HandleArg<Object, Right::wait> object,
                                      std::uint32_t mask, std::uint64_t deadline) {
  WaitItem item{.object = object.ref(), .mask = Signals(mask)};
  TRY(wait_for_signals({&item, 1}, deadline, context.process.exiting()));
  return item.observed.bits();
}

Result<std::uint32_t> sys_object_wait_many(CallContext& context, GuestArrayIn<abi::WaitItem> items,
                                           GuestArrayOut<std::uint32_t> observed, std::uint64_t deadline) {
  if (items.count() == 0 || observed.count() != items.count()) return fail(Status::invalid_argument);
  if (items.count() > kMaxWaitItems) return fail(Status::too_large);
  std::array<abi::WaitItem, kMaxWaitItems> given;
  std::array<WaitItem, kMaxWaitItems> wanted;
  const std::size_t count = items.count();
  TRY(items.read(std::span(given).first(count)));
  for (std::size_t i = 0; i < count; ++i) {
    wanted[i].object = TRY(context.process.handles().get(HandleValue{given[i].handle}, Right::wait));
    wanted[i].mask = Signals(given[i].mask);
  }
  const Result<> waited =
      wait_for_signals(std::span(wanted).first(count), deadline, context.process.exiting());
  std::array<std::uint32_t, kMaxWaitItems> bits;
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bits[i] = wanted[i].observed.bits();
    if (!(wanted[i].observed & wanted[i].mask).empty()) ++found;
  }
  TRY(observed.write(std::span(bits).first(count)));
  if (!waited) return fail(waited.error());
  return found;
}

Result<> sys_object_signal(CallContext&, HandleArg<Object, Right::signal> object, std::uint32_t clear,
                           std::uint32_t set) {
  Signals allowed = Signal::user;
  if (object->type() == ObjectType::event) allowed = allowed | Signal::signaled;
  if (!allowed.contains(Signals(clear | set))) return fail(Status::invalid_argument);
  object->signal(Signals(clear), Signals(set));
  return {};
}

Result<HandleValue> sys_event_create(CallContext& context) {
  return give(context, TRY(make_object<Event>(context.process.quota(), 0)),
              Right::duplicate | Right::transfer | Right::wait | Right::signal);
}

Result<HandleValue> sys_timer_create(CallContext& context) {
  return give(context, TRY(make_object<Timer>(context.process.quota(), 0)),
              Right::duplicate | Right::transfer | Right::wait | Right::signal | Right::manage);
}

Result<> sys_timer_set(CallContext&, HandleArg<Timer, Right::manage> timer, std::uint64_t deadline,
                       std::uint64_t period) {
  if (deadline > kMaxTime || period > kMaxTime || (period != 0 && period < Timer::kMinPeriod))
    return fail(Status::invalid_argument);
  timer->set(deadline, period);
  return {};
}

Result<> sys_timer_cancel(CallContext&, HandleArg<Timer, Right::manage> timer) {
  timer->cancel();
  return {};
}

Result<HandleValue> sys_wait_set_create(CallContext& context) {
  const QuotaRef& quota = context.process.quota();
  return give(context, TRY(make_object<WaitSet>(quota, 0, quota)),
              Right::duplicate | Right::transfer | Right::read | Right::manage);
}

Result<> sys_wait_set_add(CallContext&, HandleArg<WaitSet, Right::manage> set,
                          HandleArg<Object, Right::wait> object, std::uint32_t mask, std::uint64_t key) {
  return set->add(object.ref(), Signals(mask), key);
}

Result<> sys_wait_set_remove(CallContext&, HandleArg<WaitSet, Right::manage> set, std::uint64_t key) {
  return set->remove(key);
}

Result<std::uint32_t> sys_wait_set_wait(CallContext& context, HandleArg<WaitSet, Right::read> set,
                                        GuestArrayOut<abi::WaitEvent> events, std::uint64_t deadline) {
  if (events.count() == 0) return fail(Status::invalid_argument);
  std::array<WaitSet::Told, kMaxEvents> told;
  const std::size_t room = std::min<std::size_t>(events.count(), told.size());
  const std::size_t count = TRY(set->wait(std::span(told).first(room), deadline, context.process.exiting()));
  std::array<abi::WaitEvent, kMaxEvents> out;
  for (std::size_t i = 0; i < count; ++i) out[i] = {told[i].key, told[i].signals.bits(), 0};
  TRY(events.write(std::span(out).first(count)));
  return static_cast<std::uint32_t>(count);
}

}  // namespace nebulet::kernel
