// SPDX-License-Identifier: MIT
#include "kernel/ipc/channel.h"

#include "kernel/sched/scheduler.h"

namespace nebulet::kernel {

Result<std::pair<Ref<Channel>, Ref<Channel>>> Channel::create(const QuotaRef& quota) {
  auto charge = Charge::take(quota, sizeof(Pair));
  if (!charge) return fail(charge.error());
  Ref<Pair> pair(new (std::nothrow) Pair);
  if (!pair) return fail(Status::out_of_memory);
  pair->charge = std::move(*charge);
  Ref<Channel> first = TRY(make_object<Channel>(quota, 0, pair, 0u));
  Ref<Channel> second = TRY(make_object<Channel>(quota, 0, pair, 1u));
  pair->ends[0] = first.get();
  pair->ends[1] = second.get();
  first->signal({}, Signal::writable);
  second->signal({}, Signal::writable);
  return std::pair(std::move(first), std::move(second));
}

/// An end that never had a handle still ends here.
Channel::~Channel() {
  DropList list;
  no_handles(list);
}

void Channel::no_handles(DropList& list) {
  Queue messages;
  {
    const SpinGuard guard(pair_->lock);
    pair_->ends[side_] = nullptr;
    messages.swap(incoming());
    if (peer() != nullptr) peer()->signal(Signal::writable, Signal::peer_closed);
  }
  while (!messages.empty()) {
    const Message::Pointer message(&messages.front());
    messages.pop_front();
    message->drop_handles(list);
  }
}

Result<> Channel::write(Message::Pointer& message, HandleTable& table, std::span<const HandleValue> handles) {
  const SpinGuard guard(pair_->lock);
  Channel* const to = peer();
  if (to == nullptr) return fail(Status::peer_closed);
  if (to->incoming().size() >= kCapacity) return fail(Status::should_wait);
  TRY(table.take_all(handles, message->handles(), this));
  to->incoming().push_back(*message.release());
  {
    const Scheduler::HandOff to_reader;
    to->signal({}, Signal::readable);
  }
  if (to->incoming().size() >= kCapacity) signal(Signal::writable, {});
  return {};
}

Result<Channel::Size> Channel::next() {
  const SpinGuard guard(pair_->lock);
  if (incoming().empty()) return fail(peer() != nullptr ? Status::should_wait : Status::peer_closed);
  Message& message = incoming().front();
  return Size{static_cast<std::uint32_t>(message.bytes().size()),
              static_cast<std::uint32_t>(message.handles().size())};
}

Result<Message::Pointer> Channel::read(Size room) {
  const SpinGuard guard(pair_->lock);
  if (incoming().empty()) return fail(peer() != nullptr ? Status::should_wait : Status::peer_closed);
  Message& message = incoming().front();
  if (message.bytes().size() > room.bytes || message.handles().size() > room.handles)
    return fail(Status::too_large);
  incoming().pop_front();
  if (incoming().empty()) signal(Signal::readable, {});
  if (peer() != nullptr) peer()->signal({}, Signal::writable);
  return Message::Pointer(&message);
}

void Channel::unread(Message::Pointer message) {
  const SpinGuard guard(pair_->lock);
  incoming().push_front(*message.release());
  signal({}, Signal::readable);
}

}  // namespace nebulet::kernel
