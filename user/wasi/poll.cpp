// SPDX-License-Identifier: MIT
// poll_oneoff: waits for clocks and for input. Files and output streams are always ready.
#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "abi/sdk/nebulet.h"
#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/clock.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"
#include "user/wasi/startup.h"

namespace nebulet::wasi {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) { return a > kForever - b ? kForever : a + b; }

/// What one subscription comes to: an event already, or a time on the monotonic clock, or input.
struct Wait {
  std::optional<Errno> ready;
  std::uint64_t deadline = kForever;
  std::uint64_t bytes = 0;  // that can be read or written, at least
  bool input = false;
};

Result<Wait> clock_wait(const Subscription& subscription) {
  constexpr std::uint16_t kAbsolute = 1;
  const auto& clock = subscription.clock;
  if ((clock.flags & ~kAbsolute) != 0) return fail(Errno::inval);
  // Processor time does not pass while one waits for it.
  if (clock.id == kClockProcessCpu || clock.id == kClockThreadCpu) return fail(Errno::notsup);
  const std::uint64_t now = TRY(read_clock(clock.id));
  const bool absolute = (clock.flags & kAbsolute) != 0;
  const std::uint64_t left = !absolute ? clock.timeout : clock.timeout > now ? clock.timeout - now : 0;
  return Wait{.deadline = saturating_add(TRY(read_clock(kClockMonotonic)), left)};
}

Result<Wait> descriptor_wait(const Subscription& subscription) {
  const Rights direction = subscription.type == EventType::fd_read ? kFdRead : kFdWrite;
  const Descriptor* descriptor =
      TRY(Descriptors::get().find(subscription.readwrite.fd, kPollFdReadwrite | direction));
  if (descriptor->kind == Descriptor::Kind::input) return Wait{.bytes = 1, .input = true};
  if (descriptor->kind != Descriptor::Kind::file || direction == kFdWrite)
    return Wait{.ready = Errno::success, .bytes = 1};
  const std::uint64_t size = TRY(files::attributes(descriptor->fid.get())).size;
  return Wait{.ready = Errno::success, .bytes = size - std::min(size, descriptor->offset)};
}

Wait examine(const Subscription& subscription) {
  const auto wait =
      subscription.type == EventType::clock ? clock_wait(subscription) : descriptor_wait(subscription);
  return wait ? *wait : Wait{.ready = wait.error()};
}

/// Waits for the first of the deadlines or for input; true if there is input.
bool sleep(std::uint64_t deadline, bool input) {
  if (!input) {
    nb_thread_sleep_until(deadline);
    return false;
  }
  return nb_console_wait(Startup::get().console, deadline) != NB_STATUS_TIMED_OUT;
}

Result<> poll(Address in, Address out, std::uint32_t count, Address events_at) {
  if (count == 0) return fail(Errno::inval);
  TRY(check_caller(in, std::uint64_t{count} * sizeof(Subscription)));
  TRY(check_caller(out, std::uint64_t{count} * sizeof(Event)));
  TRY(check_caller(events_at, sizeof(std::uint32_t)));
  std::vector<Subscription> subscriptions(count);
  TRY(read_caller(in, std::as_writable_bytes(std::span(subscriptions))));
  for (const auto& subscription : subscriptions)
    if (subscription.type > EventType::fd_write) return fail(Errno::inval);

  std::vector<Wait> waits;
  bool ready = false;
  bool input = false;
  std::uint64_t deadline = kForever;
  for (const auto& subscription : subscriptions) {
    const Wait& wait = waits.emplace_back(examine(subscription));
    ready |= wait.ready.has_value();
    input |= wait.input;
    deadline = std::min(deadline, wait.deadline);
  }
  const bool has_input = ready ? input && sleep(0, true) : sleep(deadline, input);

  const std::uint64_t now = TRY(read_clock(kClockMonotonic));
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < count; i++) {
    const Wait& wait = waits[i];
    if (!wait.ready && !(wait.input && has_input) && wait.deadline > now) continue;
    const EventType type = subscriptions[i].type;
    events.push_back({.userdata = subscriptions[i].userdata,
                      .error = wait.ready.value_or(Errno::success),
                      .type = type,
                      .bytes = wait.bytes});
  }
  TRY(write_caller(out, std::as_bytes(std::span(events))));
  return store(events_at, static_cast<std::uint32_t>(events.size()));
}

}  // namespace

WASI_EXPORT(poll_oneoff)(Address in, Address out, std::uint32_t count, Address events_at) {
  return code(poll(in, out, count, events_at));
}

}  // namespace nebulet::wasi
