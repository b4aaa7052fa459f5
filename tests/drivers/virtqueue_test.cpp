// SPDX-License-Identifier: MIT
// The virtqueue against devices in memory: one that keeps the rules, and ones that break them.
#include "user/virtio/virtqueue.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "tests/drivers/random.h"

namespace nebulet::virtio {
namespace {

struct Memory {
  std::vector<std::byte>* bytes;
  template <class T>
  T get(std::uint32_t at) const {
    EXPECT_TRUE(at % sizeof(T) == 0 && at + sizeof(T) <= bytes->size()) << at;
    T value;
    std::memcpy(&value, bytes->data() + at, sizeof value);
    return value;
  }
  template <class T>
  void put(std::uint32_t at, T value) const {
    ASSERT_TRUE(at % sizeof(T) == 0 && at + sizeof(T) <= bytes->size()) << at;
    std::memcpy(bytes->data() + at, &value, sizeof value);
  }
  std::uint16_t load16(std::uint32_t at) const { return get<std::uint16_t>(at); }
  std::uint32_t load32(std::uint32_t at) const { return get<std::uint32_t>(at); }
  void store16(std::uint32_t at, std::uint16_t value) const { put(at, value); }
  void store32(std::uint32_t at, std::uint32_t value) const { put(at, value); }
};
using Queue = Virtqueue<Memory>;

/// A queue and the device's side of it.
struct Pair {
  explicit Pair(std::uint16_t queue_size)
      : size(queue_size), bytes(Queue::bytes(size)), memory{&bytes}, queue(memory, 0, size) {}

  /// Chains that the device was given and did not take yet.
  std::vector<std::uint16_t> given() {
    std::vector<std::uint16_t> heads;
    const std::uint32_t available = Queue::available_offset(size);
    while (seen != memory.load16(available + 2))
      heads.push_back(memory.load16(available + 4 + 2u * (seen++ % size)));
    return heads;
  }
  std::vector<Buffer> chain(std::uint16_t head) const {
    std::vector<Buffer> buffers;
    for (std::uint16_t at = head;;) {
      const std::uint32_t place = 16u * at;
      const std::uint16_t flags = memory.load16(place + 12);
      buffers.push_back({memory.load32(place) | std::uint64_t{memory.load32(place + 4)} << 32,
                         memory.load32(place + 8), (flags & 2) != 0});
      if (!(flags & 1) || buffers.size() > size) return buffers;
      at = memory.load16(place + 14);
    }
  }
  void give_back(std::uint32_t head, std::uint32_t length) {
    const std::uint32_t used = Queue::used_offset(size);
    memory.store32(used + 4 + 8u * (returned % size), head);
    memory.store32(used + 8 + 8u * (returned % size), length);
    memory.store16(used + 2, ++returned);
  }

  const std::uint16_t size;
  std::vector<std::byte> bytes;
  Memory memory;
  Queue queue;
  std::uint16_t seen = 0, returned = 0;
};

constexpr Buffer kRead{0x1'0000'1000, 16, false}, kWrite{0x2000, 100, true};

TEST(Virtqueue, GivesTheDeviceTheChain) {
  Pair pair(8);
  const Buffer chain[] = {kRead, kWrite, kWrite};
  const auto head = pair.queue.add(chain);
  ASSERT_TRUE(head);
  EXPECT_EQ(pair.given(), std::vector<std::uint16_t>{*head});
  const auto seen = pair.chain(*head);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].address, kRead.address);
  EXPECT_FALSE(seen[0].device_writes);
  EXPECT_EQ(seen[2].length, 100u);
  EXPECT_TRUE(seen[2].device_writes);
  pair.give_back(*head, 200);
  const auto used = pair.queue.take();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->length, 200u);
  EXPECT_EQ(pair.queue.free_count(), 8);
}

TEST(Virtqueue, IsFullWithoutFreeDescriptors) {
  Pair pair(4);
  const Buffer chain[] = {kRead, kWrite, kWrite};
  ASSERT_TRUE(pair.queue.add(chain));
  EXPECT_FALSE(pair.queue.add(chain));
  EXPECT_TRUE(pair.queue.add({chain, 1}));
  EXPECT_FALSE(pair.queue.add({chain, 1}));
  EXPECT_FALSE(pair.queue.add({}));
}

TEST(Virtqueue, RefusesALengthThatTheDeviceWasNotGiven) {
  Pair pair(4);
  const Buffer chain[] = {kRead, kWrite};
  const auto head = pair.queue.add(chain);
  pair.give_back(*head, 101);
  EXPECT_FALSE(pair.queue.take());
  EXPECT_TRUE(pair.queue.is_broken());
  EXPECT_FALSE(pair.queue.add(chain));
}

TEST(Virtqueue, RefusesAnIndexBeyondTheQueue) {
  Pair pair(4);
  ASSERT_TRUE(pair.queue.add({&kWrite, 1}));
  pair.give_back(4, 0);
  EXPECT_FALSE(pair.queue.take());
  EXPECT_TRUE(pair.queue.is_broken());
}

TEST(Virtqueue, RefusesTheMiddleOfAChain) {
  Pair pair(4);
  const Buffer chain[] = {kRead, kWrite};
  const auto head = pair.queue.add(chain);
  pair.give_back(*head + 1u, 0);
  EXPECT_FALSE(pair.queue.take());
  EXPECT_TRUE(pair.queue.is_broken());
}

TEST(Virtqueue, RefusesTheSameChainTwice) {
  Pair pair(4);
  const auto first = pair.queue.add({&kWrite, 1});
  ASSERT_TRUE(pair.queue.add({&kWrite, 1}));
  pair.give_back(*first, 1);
  pair.give_back(*first, 1);
  EXPECT_TRUE(pair.queue.take());
  EXPECT_FALSE(pair.queue.take());
  EXPECT_TRUE(pair.queue.is_broken());
}

TEST(Virtqueue, RefusesMoreThanTheDeviceHas) {
  Pair pair(4);
  const auto head = pair.queue.add({&kWrite, 1});
  pair.give_back(*head, 1);
  pair.returned = 100;
  pair.memory.store16(Queue::used_offset(4) + 2, 100);
  EXPECT_FALSE(pair.queue.take());
  EXPECT_TRUE(pair.queue.is_broken());
}

TEST(Virtqueue, DoesNotBelieveItsDescriptors) {
  Pair pair(4);
  const Buffer chain[] = {kRead, kWrite};
  const auto head = pair.queue.add(chain);
  for (std::byte& byte : std::span(pair.bytes).first(64)) byte = std::byte{0xff};
  pair.give_back(*head, 100);
  EXPECT_TRUE(pair.queue.take());
  EXPECT_EQ(pair.queue.free_count(), 4);
  EXPECT_TRUE(pair.queue.add(chain));
}

/// Whatever a device does: nothing outside of the queue is touched, no chain comes back twice or fuller than
/// it can be, and the queue knows how many descriptors are free.
void play(std::uint64_t seed, std::uint32_t lies) {
  test::Random random(seed);
  Pair pair(static_cast<std::uint16_t>(1u << random.below(9)));
  struct Given {
    std::uint32_t writable, count;
  };
  std::map<std::uint16_t, Given> out;
  std::vector<std::uint16_t> device;
  std::uint32_t free = pair.size;
  for (int step = 0; step < 200; ++step) {
    switch (random.below(3)) {
      case 0: {
        std::vector<Buffer> chain(1 + random.below(4));
        std::uint32_t writable = 0;
        for (Buffer& buffer : chain) {
          buffer = {random.next(), random.below(4096), random.below(2) != 0};
          if (buffer.device_writes) writable += buffer.length;
        }
        const auto head = pair.queue.add(chain);
        ASSERT_EQ(head.has_value(), !pair.queue.is_broken() && chain.size() <= free);
        if (!head) break;
        ASSERT_FALSE(out.contains(*head));
        out[*head] = {writable, static_cast<std::uint32_t>(chain.size())};
        free -= static_cast<std::uint32_t>(chain.size());
        break;
      }
      case 1: {
        for (const std::uint16_t head : pair.given()) device.push_back(head);
        if (random.one_in(lies)) {
          const auto at = random.below(static_cast<std::uint32_t>(pair.bytes.size()));
          pair.bytes[at] = static_cast<std::byte>(random.next());
        } else if (random.one_in(lies)) {
          pair.give_back(
              random.below(2) ? random.below(pair.size) : static_cast<std::uint32_t>(random.next()),
              random.below(5000));
        } else if (!device.empty()) {
          const std::uint32_t which = random.below(static_cast<std::uint32_t>(device.size()));
          const std::uint16_t head = device[which];
          device.erase(device.begin() + which);
          if (lies != 0 && !out.contains(head)) break;
          pair.give_back(head, out[head].writable ? random.below(out[head].writable + 1) : 0);
        }
        break;
      }
      case 2: {
        const auto used = pair.queue.take();
        if (!used) break;
        const auto found = out.find(used->head);
        ASSERT_NE(found, out.end());
        ASSERT_LE(used->length, found->second.writable);
        free += found->second.count;
        out.erase(found);
        break;
      }
    }
    ASSERT_EQ(pair.queue.free_count(), free);
  }
  if (lies == 0) ASSERT_FALSE(pair.queue.is_broken());
}

TEST(Virtqueue, WorksWithAnHonestDevice) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) ASSERT_NO_FATAL_FAILURE(play(seed, 0)) << seed;
}
TEST(Virtqueue, StandsALyingDevice) {
  const char* more = std::getenv("NB_DRIVER_FAULTS");
  const std::uint64_t count = more != nullptr ? std::strtoull(more, nullptr, 10) : 1000;
  for (std::uint64_t seed = 0; seed < count; ++seed)
    ASSERT_NO_FATAL_FAILURE(play(seed, 2 + seed % 50)) << seed;
}

}  // namespace
}  // namespace nebulet::virtio
