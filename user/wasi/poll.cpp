// SPDX-License-Identifier: MIT
// poll_oneoff: waits for clocks and for pipes. Files and the console's output are always ready.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "abi/sdk/nebulet.h"
#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/clock.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/entry.h"
#include "user/wasi/export.h"
#include "user/wasi/pipe.h"

namespace nebulet::wasi {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) { return a > kForever - b ? kForever : a + b; }

/// What one subscription comes to: an event already, or a time on the monotonic clock, or a pipe.
struct Wait {
  std::optional<Errno> ready;
  std::uint64_t deadline = kForever;
  std::uint64_t bytes = 0;  // that can be read or written, at least
  std::shared_ptr<Pipe> pipe = nullptr;
  std::uint16_t flags = 0;
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
  const DescriptorRef descriptor =
      TRY(Descriptors::get().find(subscription.readwrite.fd, kPollFdReadwrite | direction));
  if (descriptor->kind == Descriptor::Kind::pipe &&
      (descriptor->pipe->is_input() || descriptor->pipe->is_stream()))
    return Wait{.pipe = descriptor->pipe};
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

/// What the pipes have to tell, at most waiting for the first of them, and at most until the deadline.
class Pipes {
 public:
  void add(const std::shared_ptr<Pipe>& pipe) {
    if (!pipe->is_stream()) {
      console_ = pipe;
    } else if (!find(*pipe)) {
      streams_.push_back({pipe->handle(), NB_SIGNAL_PEER_CLOSED | direction(*pipe)});
      signals_.push_back(0);
    }
  }

  Result<> wait(std::uint64_t deadline) {
    TRY(OthersGoOn::prepare());
    const OthersGoOn guard;
    // A kernel call waits for the console or for objects. For both, it looks at the one between waits for the
    // others.
    constexpr std::uint64_t kLook = 10'000'000;
    while (true) {
      const std::uint64_t now = TRY(read_clock(kClockMonotonic));
      std::uint64_t until = console_ && !streams_.empty() ? std::min(deadline, now + kLook) : deadline;
      if (console_) {
        input_ = nb_console_wait(console_->handle(), streams_.empty() ? until : 0) != NB_STATUS_TIMED_OUT;
        if (input_) until = 0;
      }
      if (!streams_.empty()) {
        const auto count =
            nb_object_wait_many(streams_.data(), streams_.size(), signals_.data(), signals_.size(), until);
        if (count < 0 && count != NB_STATUS_TIMED_OUT) return fail(Errno::io);
        if (count > 0) return {};
      }
      if (!console_ && streams_.empty()) nb_thread_sleep_until(until);
      if (input_ || until == deadline) return {};
    }
  }

  /// Fills in the event of a pipe.
  void tell(Wait& wait) const {
    if (!wait.pipe->is_stream()) {
      if (input_) wait.ready = Errno::success;
      wait.bytes = 1;
      return;
    }
    constexpr std::uint16_t kHangup = 1;
    const std::uint32_t signals = signals_[*find(*wait.pipe)];
    if (signals == 0) return;
    wait.ready = Errno::success;
    wait.bytes = (signals & direction(*wait.pipe)) != 0 ? 1 : 0;
    wait.flags = (signals & NB_SIGNAL_PEER_CLOSED) != 0 ? kHangup : 0;
  }

 private:
  static std::uint32_t direction(const Pipe& pipe) {
    return pipe.is_input() ? NB_SIGNAL_READABLE : NB_SIGNAL_WRITABLE;
  }
  /// A process has three streams at most.
  std::optional<std::size_t> find(const Pipe& pipe) const {
    const auto found = std::ranges::find(streams_, pipe.handle(), &nb_wait_item_t::handle);
    if (found == streams_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - streams_.begin());
  }

  std::shared_ptr<Pipe> console_;
  std::vector<nb_wait_item_t> streams_;
  std::vector<std::uint32_t> signals_;
  bool input_ = false;
};

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
  Pipes pipes;
  std::uint64_t deadline = kForever;
  for (const auto& subscription : subscriptions) {
    const Wait& wait = waits.emplace_back(examine(subscription));
    if (wait.pipe) pipes.add(wait.pipe);
    deadline = wait.ready ? 0 : std::min(deadline, wait.deadline);
  }
  TRY(pipes.wait(deadline));
  forget_read_ahead();

  const std::uint64_t now = TRY(read_clock(kClockMonotonic));
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < count; i++) {
    Wait& wait = waits[i];
    if (wait.pipe) pipes.tell(wait);
    if (!wait.ready && wait.deadline > now) continue;
    events.push_back({.userdata = subscriptions[i].userdata,
                      .error = wait.ready.value_or(Errno::success),
                      .type = subscriptions[i].type,
                      .bytes = wait.bytes,
                      .flags = wait.flags});
  }
  TRY(write_caller(out, std::as_bytes(std::span(events))));
  return store(events_at, static_cast<std::uint32_t>(events.size()));
}

}  // namespace

WASI_EXPORT(poll_oneoff, (Address in, Address out, std::uint32_t count, Address events_at),
            (in, out, count, events_at)) {
  return code(poll(in, out, count, events_at));
}

}  // namespace nebulet::wasi
