// SPDX-License-Identifier: MIT
// channel.*, stream.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kPiece = 4096;  ///< of a copy through the kernel stack

/// Two new handles and their numbers in the program's array; neither if one step fails.
Result<> give_pair(CallContext& context, const GuestArrayOut<HandleValue>& ends, Handle first,
                   Handle second) {
  HandleTable& table = context.process.handles();
  std::array<Handle, 2> handles = {std::move(first), std::move(second)};
  std::array<HandleValue, 2> values;
  TRY(table.insert_all(handles, values));
  const Result<> written = ends.write(std::span<const HandleValue>(values));
  if (written) return {};
  for (const HandleValue value : values) (void)table.close(value);  // the numbers are known to nobody
  return written;
}

}  // namespace

Result<> sys_channel_create(CallContext& context, GuestArrayOut<HandleValue> ends) {
  if (ends.count() != 2) return fail(Status::invalid_argument);
  auto [first, second] = TRY(Channel::create(context.process.quota()));
  const Rights rights =
      Right::duplicate | Right::transfer | Right::read | Right::write | Right::wait | Right::signal;
  return give_pair(context, ends, Handle(std::move(first), rights), Handle(std::move(second), rights));
}

Result<> sys_channel_write(CallContext& context, HandleArg<Channel, Right::write> channel, GuestIn bytes,
                           GuestArrayIn<HandleValue> handles) {
  if (bytes.size() > kMaxMessageBytes || handles.count() > kMaxMessageHandles) return fail(Status::too_large);
  std::array<HandleValue, kMaxMessageHandles> values;
  const auto used = std::span(values).first(handles.count());
  TRY(handles.read(used));
  Message::Pointer message = TRY(Message::make(context.process.quota(), bytes.size(), handles.count()));
  TRY(bytes.read(0, message->bytes()));
  return channel->write(message, context.process.handles(), used);
}

Result<std::uint64_t> sys_channel_next(CallContext&, HandleArg<Channel, Right::read> channel) {
  const Channel::Size size = TRY(channel->next());
  return std::uint64_t{size.handles} << 32 | size.bytes;
}

Result<std::uint64_t> sys_channel_read(CallContext& context, HandleArg<Channel, Right::read> channel,
                                       GuestOut bytes, GuestArrayOut<HandleValue> handles) {
  Message::Pointer message = TRY(channel->read({bytes.size(), handles.count()}));
  HandleTable& table = context.process.handles();
  std::array<HandleValue, kMaxMessageHandles> values = {};
  const auto used = std::span(values).first(message->handles().size());
  const std::uint64_t size = std::uint64_t{used.size()} << 32 | message->bytes().size();
  // First what can fail without a trace, so that the message can be put back whole.
  Result<> done = bytes.write(0, message->bytes());
  if (done) done = handles.write(std::span<const HandleValue>(used));  // commits the pages
  if (done) done = table.insert_all(message->handles(), used);
  if (!done) {
    channel->unread(std::move(message));
    return fail(done.error());
  }
  // The pages are there and stay.
  TRY(handles.write(std::span<const HandleValue>(used)));
  return size;
}

Result<> sys_stream_create(CallContext& context, std::uint32_t capacity, GuestArrayOut<HandleValue> ends) {
  if (ends.count() != 2 || capacity < Stream::kMinCapacity || capacity > Stream::kMaxCapacity)
    return fail(Status::invalid_argument);
  auto [reader, writer] = TRY(Stream::create(context.process.quota(), capacity));
  const Rights common = Right::duplicate | Right::transfer | Right::wait | Right::signal;
  return give_pair(context, ends, Handle(std::move(reader), common | Right::read),
                   Handle(std::move(writer), common | Right::write));
}

Result<std::uint32_t> sys_stream_read(CallContext& context, HandleArg<Stream, Right::read> stream,
                                      GuestOut bytes) {
  std::array<std::byte, kPiece> piece;
  std::uint32_t done = 0;
  do {
    const std::uint32_t wanted = std::min(bytes.size() - done, kPiece);
    const auto count = stream->read(std::span(piece).first(wanted));
    if (!count && done > 0) break;
    if (!count) return fail(count.error());
    TRY(bytes.write(done, std::span(piece).first(*count)));
    done += static_cast<std::uint32_t>(*count);
    if (*count < wanted) break;
  } while (done < bytes.size() && may_go_on(context));
  return done;
}

Result<std::uint32_t> sys_stream_write(CallContext& context, HandleArg<Stream, Right::write> stream,
                                       GuestIn bytes) {
  std::array<std::byte, kPiece> piece;
  std::uint32_t done = 0;
  do {
    const std::uint32_t length = std::min(bytes.size() - done, kPiece);
    TRY(bytes.read(done, std::span(piece).first(length)));
    const auto count = stream->write(std::span(piece).first(length));
    if (!count && done > 0) break;
    if (!count) return fail(count.error());
    done += static_cast<std::uint32_t>(*count);
    if (*count < length) break;
  } while (done < bytes.size() && may_go_on(context));
  return done;
}

}  // namespace nebulet::kernel
