// SPDX-License-Identifier: MIT
// Two ends, between which messages of bytes and handles go both ways, in order.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/ipc/message.h"
#include "kernel/object/handle_table.h"

namespace nebulet::kernel {

/// One end. Signals: `readable` while a message waits here, `writable` while the other end is open and its
/// queue has room, `peer_closed`.
class Channel final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::channel;
  /// Messages that wait at one end.
  static constexpr std::uint32_t kCapacity = 256;

  static Result<std::pair<Ref<Channel>, Ref<Channel>>> create(const QuotaRef& quota);

  /// Sends the message with handles out of `table`, which are taken only if it is sent. Fails with
  /// peer_closed, should_wait (the queue is full), invalid_argument (a handle to this end), and what
  /// HandleTable::take_all says.
  Result<> write(Message::Pointer& message, HandleTable& table, std::span<const HandleValue> handles);

  struct Size {
    std::uint32_t bytes = 0, handles = 0;
  };
  /// Of the message that waits first. Fails with should_wait, or peer_closed if none will come.
  Result<Size> next();
  /// Takes it if it has at most as many bytes and handles as `room`, else too_large.
  Result<Message::Pointer> read(Size room);
  /// Makes a message that was read the next one again.
  void unread(Message::Pointer message);

 private:
  using Queue = boost::intrusive::list<
      Message, boost::intrusive::member_hook<Message, boost::intrusive::list_member_hook<>, &Message::hook>>;
  /// What the two ends share. Its lock comes before those of objects and handle tables.
  struct Pair : boost::intrusive_ref_counter<Pair, boost::thread_safe_counter> {
    SpinLock lock;
    Channel* ends[2] = {};  ///< nullptr: closed
    Queue queues[2];        ///< of messages to the end
    Charge charge;
  };

  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  Channel(Charge charge, Ref<Pair> pair, unsigned side)
      : Object(kType), charge_(std::move(charge)), pair_(std::move(pair)), side_(side) {}
  ~Channel() override;
  void no_handles(DropList& list) override;
  Channel* peer() const { return pair_->ends[side_ ^ 1]; }
  Queue& incoming() const { return pair_->queues[side_]; }

  const Charge charge_;
  const Ref<Pair> pair_;
  const unsigned side_;
};

}  // namespace nebulet::kernel
