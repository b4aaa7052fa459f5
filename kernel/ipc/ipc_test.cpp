// SPDX-License-Identifier: MIT
// Channels and streams: what they do, what they refuse, and a random comparison with a plain model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "kernel/ipc/channel.h"
#include "kernel/ipc/stream.h"
#include "kernel/object/event.h"
#include "kernel/object/wait.h"
#include "kernel/test/world.h"

namespace nebulet::kernel {
namespace {

const std::atomic<bool> never = false;
constexpr Rights kAll = Rights(0xff);

Message::Pointer message_of(const QuotaRef& quota, std::string_view text, std::uint32_t handles = 0) {
  auto message = Message::make(quota, static_cast<std::uint32_t>(text.size()), handles).value();
  std::memcpy(message->bytes().data(), text.data(), text.size());
  return message;
}
std::string text_of(Message& message) {
  return {reinterpret_cast<const char*>(message.bytes().data()), message.bytes().size()};
}

class Ipc : public testing::Test {
 protected:
  static void SetUpTestSuite() { machine::prepare_hosted({}); }
  Result<> send(Channel& from, std::string_view text, std::vector<HandleValue> handles = {}) {
    auto message = message_of(quota, text, static_cast<std::uint32_t>(handles.size()));
    return from.write(message, table, handles);
  }
  QuotaRef quota{new Quota(64 << 20)};
  HandleTable table;
};

TEST_F(Ipc, MessagesArriveInOrderAndWhole) {
  auto [a, b] = Channel::create(quota).value();
  EXPECT_EQ(a->signals(), Signals(Signal::writable));
  ASSERT_TRUE(send(*a, "one"));
  ASSERT_TRUE(send(*a, ""));
  EXPECT_TRUE(b->signals().contains(Signal::readable));
  EXPECT_EQ(b->next()->bytes, 3u);
  EXPECT_EQ(b->read({2, 0}).error(), Status::too_large);
  EXPECT_EQ(text_of(**b->read({3, 0})), "one");
  EXPECT_EQ(text_of(**b->read({3, 0})), "");
  EXPECT_FALSE(b->signals().contains(Signal::readable));
  EXPECT_EQ(b->read({3, 0}).error(), Status::should_wait);
  EXPECT_EQ(a->next().error(), Status::should_wait);
}

TEST_F(Ipc, FullQueueMakesWait) {
  auto [a, b] = Channel::create(quota).value();
  for (std::uint32_t i = 0; i < Channel::kCapacity; ++i) ASSERT_TRUE(send(*a, "x"));
  EXPECT_FALSE(a->signals().contains(Signal::writable));
  EXPECT_TRUE(b->signals().contains(Signal::writable));
  EXPECT_EQ(send(*a, "y").error(), Status::should_wait);
  ASSERT_TRUE(b->read({1, 0}));
  EXPECT_TRUE(a->signals().contains(Signal::writable));
  EXPECT_TRUE(send(*a, "y"));
}

TEST_F(Ipc, ClosingAnEndTellsTheOtherAndKeepsWhatWasSent) {
  auto [a, b] = Channel::create(quota).value();
  Handle end(a, kAll);
  ASSERT_TRUE(send(*a, "last"));
  ASSERT_TRUE(send(*b, "never read"));
  end = {};
  EXPECT_TRUE(b->signals().contains(Signal::peer_closed | Signal::readable));
  EXPECT_FALSE(b->signals().contains(Signal::writable));
  EXPECT_EQ(send(*b, "x").error(), Status::peer_closed);
  EXPECT_EQ(text_of(**b->read({9, 9})), "last");
  EXPECT_EQ(b->read({9, 9}).error(), Status::peer_closed);
}

TEST_F(Ipc, HandlesMoveWithTheirRights) {
  auto [a, b] = Channel::create(quota).value();
  const Ref<Event> event = make_object<Event>(quota, 0).value();
  const HandleValue sent = table.insert(Handle(event, Right::transfer | Right::wait)).value();
  ASSERT_TRUE(send(*a, "", {sent}));
  EXPECT_EQ(table.get(sent, Right::wait).error(), Status::bad_handle);
  const auto message = b->read({0, 1}).value();
  ASSERT_EQ(message->handles().size(), 1u);
  EXPECT_EQ(message->handles()[0].object(), event);
  EXPECT_EQ(message->handles()[0].rights(), Right::transfer | Right::wait);
}

TEST_F(Ipc, RefusedHandlesStayWhereTheyWere) {
  auto [a, b] = Channel::create(quota).value();
  const Ref<Event> event = make_object<Event>(quota, 0).value();
  const HandleValue good = table.insert(Handle(event, kAll)).value();
  const HandleValue fixed = table.insert(Handle(event, Right::wait)).value();
  const HandleValue self = table.insert(Handle(a, kAll)).value();
  EXPECT_EQ(send(*a, "", {good, fixed}).error(), Status::access_denied);
  EXPECT_EQ(send(*a, "", {good, HandleValue{0x7777}}).error(), Status::bad_handle);
  EXPECT_EQ(send(*a, "", {good, self}).error(), Status::invalid_argument);
  EXPECT_EQ(send(*a, "", {good, fixed, good}).error(), Status::access_denied);
  EXPECT_EQ(send(*a, "", {good, good}).error(), Status::bad_handle);
  EXPECT_EQ(b->next().error(), Status::should_wait);
  EXPECT_EQ(table.count(), 3u);
  EXPECT_TRUE(table.get(good, kAll));
  EXPECT_TRUE(table.get(fixed, Right::wait));
}

// An end in a message in the queue of an end in a message …: closing the outermost closes all, without a
// call in a call.
TEST_F(Ipc, LongChainsOfChannelsInMessagesEnd) {
  const std::uint64_t before = quota->used();
  {
    auto [outer, other] = Channel::create(quota).value();
    Ref<Channel> last = other;
    Handle keep(outer, kAll);
    Handle innermost(other, kAll);
    for (int i = 0; i < 100'000; ++i) {
      auto [a, b] = Channel::create(quota).value();
      const HandleValue value = table.insert(std::move(innermost)).value();
      ASSERT_TRUE(send(*a, "", {value}));
      innermost = Handle(b, kAll);  // the message waits at b
      Handle(a, kAll) = {};
    }
  }
  EXPECT_EQ(quota->used(), before);
}

TEST_F(Ipc, MessagesAreChargedToTheSender) {
  auto [a, b] = Channel::create(quota).value();
  const std::uint64_t before = quota->used();
  ASSERT_TRUE(send(*a, std::string(50'000, 'x')));
  EXPECT_GE(quota->used(), before + 50'000);
  ASSERT_TRUE(b->read({50'000, 0}));
  EXPECT_EQ(quota->used(), before);
  const QuotaRef poor(new Quota(100));
  EXPECT_EQ(Message::make(poor, 200, 0).error(), Status::out_of_memory);
  EXPECT_EQ(Channel::create(poor).error(), Status::out_of_memory);
  EXPECT_EQ(poor->used(), 0u);
}

TEST_F(Ipc, StreamPassesBytesThroughItsRing) {
  auto [reader, writer] = Stream::create(quota, Stream::kMinCapacity).value();
  std::mt19937 random(1);
  std::deque<std::byte> model;
  std::vector<std::byte> buffer(6000);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = random() % 3 == 0 ? random() % 6000 : random() % 100;
    if (random() % 2 == 0) {
      for (auto& byte : buffer) byte = static_cast<std::byte>(random());
      const auto written = writer->write(std::span(buffer).first(size));
      const std::size_t room = Stream::kMinCapacity - model.size();
      if (size > 0 && room == 0) {
        ASSERT_EQ(written.error(), Status::should_wait);
        continue;
      }
      ASSERT_EQ(*written, std::min(room, size));
      model.insert(model.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*written));
    } else {
      const auto count = reader->read(std::span(buffer).first(size));
      if (size > 0 && model.empty()) {
        ASSERT_EQ(count.error(), Status::should_wait);
        continue;
      }
      ASSERT_EQ(*count, std::min(size, model.size()));
      ASSERT_TRUE(
          std::equal(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count), model.begin()));
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    ASSERT_EQ(reader->signals().contains(Signal::readable), !model.empty());
    ASSERT_EQ(writer->signals().contains(Signal::writable), model.size() < Stream::kMinCapacity);
  }
}

TEST_F(Ipc, StreamEndsTellEachOther) {
  std::array<std::byte, 4> bytes = {};
  {
    auto [reader, writer] = Stream::create(quota, 4096).value();
    Handle end(writer, kAll);
    ASSERT_TRUE(writer->write(bytes));
    end = {};
    EXPECT_TRUE(reader->signals().contains(Signal::peer_closed | Signal::readable));
    EXPECT_EQ(reader->read(bytes).value(), 4u);
    EXPECT_EQ(reader->read(bytes).value(), 0u);
  }
  auto [reader, writer] = Stream::create(quota, 4096).value();
  Handle(reader, kAll) = {};
  EXPECT_EQ(writer->write(bytes).error(), Status::peer_closed);
  EXPECT_FALSE(writer->signals().contains(Signal::writable));
}

TEST_F(Ipc, ThreadsPassMessagesOfAllSizes) {
  in_kernel([this] {
    auto [a, b] = Channel::create(quota).value();
    constexpr int kMessages = 5000;
    TestTask sender([&, from = a] {
      HandleTable own;
      for (int i = 0; i < kMessages; ++i) {
        auto message =
            message_of(quota, std::string(static_cast<std::size_t>(i % 700), static_cast<char>(i)));
        for (;;) {
          const auto sent = from->write(message, own, {});
          if (sent) break;
          ASSERT_EQ(sent.error(), Status::should_wait);
          WaitItem item{from, Signal::writable};
          ASSERT_TRUE(wait_for_signals({&item, 1}, kForever, never));
        }
      }
    });
    ASSERT_TRUE(Scheduler::start(sender));
    for (int i = 0; i < kMessages; ++i) {
      WaitItem item{b, Signal::readable};
      ASSERT_TRUE(wait_for_signals({&item, 1}, kForever, never));
      ASSERT_EQ(text_of(**b->read({700, 0})),
                std::string(static_cast<std::size_t>(i % 700), static_cast<char>(i)));
    }
    while (!sender.ended) Scheduler::yield();
  });
}

}  // namespace
}  // namespace nebulet::kernel
