// SPDX-License-Identifier: MIT
// Drivers against devices that are made up: with honest ones they work, with lying ones they end with a
// reason or go on, but never hang and never touch what is not theirs (ASan).
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "tests/drivers/made_up_kernel.h"
#include "user/sdk/block.h"

extern "C" {
void run_e1000();
void run_virtio_block();
void run_virtio_net();
void run_virtio_rng();
}

namespace nebulet::test {
namespace {

/// A virtio device behind MMIO (OASIS virtio 1.2, 4.2.2) with split queues.
class VirtioDevice : public Device {
 public:
  VirtioDevice(World& world, std::uint64_t features) : world_(world), features_(features | 1ull << 32) {}

  std::uint32_t read(std::uint32_t offset, std::uint32_t bytes) override {
    if (offset >= kConfig) {
      std::uint32_t value = 0;
      if (offset - kConfig + bytes <= config.size())
        std::memcpy(&value, config.data() + offset - kConfig, bytes);
      return value;
    }
    if (offset == kDeviceFeatures)
      return static_cast<std::uint32_t>(features_ >> (registers_[kDeviceSelect] & 1) * 32);
    if (offset == kQueueLimit) return registers_[kQueueSelect] < 2 ? 64 : 0;
    return registers_[offset];
  }
  void write(std::uint32_t offset, std::uint32_t, std::uint32_t value) override {
    registers_[offset] = value;
    const std::uint32_t queue = registers_[kQueueSelect] & 1;
    if (offset == kQueueSize) queues_[queue].size = value;
    for (std::uint32_t i = 0; i < 3; ++i)
      if (offset == kRings[i]) queues_[queue].rings[i] = value;  // made-up memory is below 4 GiB
    if (offset == kStatus && value == 0) queues_ = {};
  }
  bool interrupts() override {
    bool did = false;
    for (std::uint32_t i = 0; i < queues_.size(); ++i) did |= serve(i);
    return did;
  }

  std::array<std::byte, 64> config{};

 protected:
  struct Part {
    std::span<std::byte> bytes;
    bool writes;
  };
  /// How much it writes of a chain; nullopt: it keeps the chain.
  virtual std::optional<std::uint32_t> answer(std::uint32_t queue, std::span<Part> chain) = 0;

  World& world_;

 private:
  enum : std::uint32_t {
    kDeviceFeatures = 0x10,
    kDeviceSelect = 0x14,
    kQueueSelect = 0x30,
    kQueueLimit = 0x34,
    kQueueSize = 0x38,
    kStatus = 0x70,
    kConfig = 0x100
  };
  static constexpr std::uint32_t kRings[3] = {0x80, 0x90, 0xa0};
  struct Queue {
    std::uint32_t size = 0;
    std::uint64_t rings[3] = {};
    std::uint16_t seen = 0, used = 0;
  };

  template <class T>
  T get(std::uint64_t address) {
    T value{};
    if (const std::byte* at = world_.at(address, sizeof(T))) std::memcpy(&value, at, sizeof(T));
    return value;
  }
  template <class T>
  void put(std::uint64_t address, T value) {
    if (std::byte* at = world_.at(address, sizeof(T))) std::memcpy(at, &value, sizeof(T));
  }

  bool serve(std::uint32_t index) {
    Queue& queue = queues_[index];
    bool did = false;
    for (int i = 0; queue.size != 0 && i < 64 && queue.seen != get<std::uint16_t>(queue.rings[1] + 2); ++i) {
      const auto head = get<std::uint16_t>(queue.rings[1] + 4 + 2 * (queue.seen % queue.size));
      std::vector<Part> chain;
      for (std::uint32_t at = head, more = 1; more && chain.size() <= queue.size;) {
        const std::uint64_t place = queue.rings[0] + 16ull * at;
        const auto length = get<std::uint32_t>(place + 8);
        const auto flags = get<std::uint16_t>(place + 12);
        std::byte* bytes = world_.at(get<std::uint64_t>(place), length);
        // A driver that is lied to may not give nonsense to its device.
        EXPECT_TRUE(bytes != nullptr || world_.lies != 0);
        if (bytes != nullptr) chain.push_back({{bytes, length}, (flags & 2) != 0});
        more = flags & 1;
        at = get<std::uint16_t>(place + 14);
      }
      auto written = answer(index, chain);
      if (!written) return did;
      ++queue.seen;
      std::uint32_t id = head;
      if (world_.lie())
        id = world_.random.below(2) ? world_.random.below(queue.size)
                                    : static_cast<std::uint32_t>(world_.random.next());
      if (world_.lie()) *written = static_cast<std::uint32_t>(world_.random.next());
      put(queue.rings[2] + 4 + 8 * (queue.used % queue.size), id);
      put(queue.rings[2] + 8 + 8 * (queue.used % queue.size), *written);
      put(queue.rings[2] + 2, world_.lie() ? static_cast<std::uint16_t>(world_.random.next())
                                           : static_cast<std::uint16_t>(queue.used + 1));
      ++queue.used;
      did = true;
    }
    return did;
  }

  const std::uint64_t features_;
  std::map<std::uint32_t, std::uint32_t> registers_ = {{0, virtio::kMmioMagic}};
  std::array<Queue, 2> queues_;
};

class Disk : public VirtioDevice {
 public:
  static constexpr std::uint64_t kSectors = 1024;
  explicit Disk(World& world) : VirtioDevice(world, 1 << 9), bytes(kSectors * 512) {
    std::memcpy(config.data(), &kSectors, sizeof kSectors);
  }
  std::vector<std::byte> bytes;

 protected:
  std::optional<std::uint32_t> answer(std::uint32_t, std::span<Part> chain) override {
    struct {
      std::uint32_t type, reserved;
      std::uint64_t sector;
    } header{};
    if (chain.size() < 2 || chain[0].bytes.size() < sizeof header || chain.back().bytes.empty()) return 0;
    std::memcpy(&header, chain[0].bytes.data(), sizeof header);
    std::uint64_t at = header.sector * 512;
    std::uint32_t written = 1;
    std::byte status{0};
    for (const Part& part : chain.subspan(1, chain.size() - 2)) {
      if (header.sector > kSectors || part.bytes.size() > bytes.size() - at) {
        status = std::byte{1};
        break;
      }
      if (header.type == 0) {
        std::memcpy(part.bytes.data(), bytes.data() + at, part.bytes.size());
        written += static_cast<std::uint32_t>(part.bytes.size());
      } else {
        std::memcpy(bytes.data() + at, part.bytes.data(), part.bytes.size());
      }
      at += part.bytes.size();
    }
    chain.back().bytes[0] = world_.lie() ? std::byte{1} : status;
    return written;
  }
};

class Source : public VirtioDevice {
 public:
  explicit Source(World& world) : VirtioDevice(world, 0) {}

 protected:
  std::optional<std::uint32_t> answer(std::uint32_t, std::span<Part> chain) override {
    if (chain.empty() || !chain[0].writes) return 0;
    for (std::byte& byte : chain[0].bytes) byte = std::byte{42};
    return static_cast<std::uint32_t>(chain[0].bytes.size());
  }
};

/// Gives back what it is sent.
class Network : public VirtioDevice {
 public:
  explicit Network(World& world) : VirtioDevice(world, 1 << 5) {}

 protected:
  std::optional<std::uint32_t> answer(std::uint32_t queue, std::span<Part> chain) override {
    if (chain.empty()) return 0;
    if (queue == 1) {
      sent_.emplace_back(chain[0].bytes.begin(), chain[0].bytes.end());
      return 0;
    }
    if (sent_.empty()) return std::nullopt;
    const auto frame = std::move(sent_.back());
    sent_.pop_back();
    const std::size_t size = std::min(frame.size(), chain[0].bytes.size());
    std::memcpy(chain[0].bytes.data(), frame.data(), size);
    return static_cast<std::uint32_t>(size);
  }

 private:
  std::vector<std::vector<std::byte>> sent_;
};

/// As much of an e1000 as giving back what it is sent takes.
class Controller : public Device {
 public:
  explicit Controller(World& world) : world_(world) {}
  std::uint32_t read(std::uint32_t offset, std::uint32_t) override { return registers_[offset]; }
  void write(std::uint32_t offset, std::uint32_t, std::uint32_t value) override {
    registers_[offset] = offset == 0 ? value & ~(1u << 26) : value;
    if (offset == kSendTail) send();
  }
  bool interrupts() override { return std::exchange(interrupts_, false); }

 private:
  enum : std::uint32_t { kReceiveRing = 0x2800, kSendRing = 0x3800, kSendTail = 0x3818 };
  struct Descriptor {
    std::uint64_t address;
    std::uint16_t length, checksum;
    std::uint8_t status, errors;
    std::uint16_t special;
  };
  void send() {
    while (sent_ != registers_[kSendTail] % 32) {
      auto* from = world_.at(registers_[kSendRing] + 16 * sent_, 16);
      auto* into = world_.at(registers_[kReceiveRing] + 16 * received_, 16);
      sent_ = (sent_ + 1) % 32;
      if (from == nullptr || into == nullptr) continue;
      Descriptor out, in;
      std::memcpy(&out, from, sizeof out);
      std::memcpy(&in, into, sizeof in);
      const std::byte* frame = world_.at(out.address, out.length);
      std::byte* place = world_.at(in.address, out.length);
      if (frame != nullptr && place != nullptr) std::memcpy(place, frame, out.length);
      in.length = world_.lie() ? static_cast<std::uint16_t>(world_.random.next()) : out.length;
      in.status = world_.lie() ? static_cast<std::uint8_t>(world_.random.next()) : 3;
      in.errors = world_.lie() ? 1 : 0;
      out.status = 1;
      std::memcpy(from, &out, sizeof out);
      std::memcpy(into, &in, sizeof in);
      received_ = (received_ + 1) % 32;
      interrupts_ = true;
    }
  }
  World& world_;
  std::map<std::uint32_t, std::uint32_t> registers_;
  std::uint32_t sent_ = 0, received_ = 0;
  bool interrupts_ = false;
};

std::vector<std::byte> some_bytes(Random& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t at = 0; at < count; at += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, count - at));
  }
  return bytes;
}

/// One call of a client; what an honest device answers is checked against what was written.
void call_disk(World& world, std::vector<std::byte>& model) {
  const std::uint32_t operation = 1 + world.random.below(5);
  const std::uint64_t sector = world.random.below(Disk::kSectors + 16);
  const std::uint32_t count = 512 * (1 + world.random.below(world.random.below(4) ? 4 : 700));
  world.request =
      operation == NB_BLOCK_OPERATION_WRITE ? some_bytes(world.random, count) : std::vector<std::byte>{};
  world.reply.assign(operation == NB_BLOCK_OPERATION_READ   ? count
                     : operation == NB_BLOCK_OPERATION_INFO ? 16
                                                            : 0,
                     std::byte{});
  const auto result = sdk::detail::serve_one(0, std::uint64_t{operation} << 56 | sector, world.request.size(),
                                             world.reply.size(), 0);
  if (world.lies != 0) return;
  const bool fits = sector * 512 + count <= model.size();
  const bool moves = operation == NB_BLOCK_OPERATION_READ || operation == NB_BLOCK_OPERATION_WRITE;
  ASSERT_EQ(result, (moves && !fits) || operation == 5 ? NB_BLOCK_RESULT_INVALID : NB_BLOCK_RESULT_OK);
  if (!moves || !fits) return;
  if (operation == NB_BLOCK_OPERATION_WRITE)
    std::memcpy(model.data() + sector * 512, world.request.data(), count);
  if (operation == NB_BLOCK_OPERATION_READ)
    ASSERT_EQ(std::memcmp(world.reply.data(), model.data() + sector * 512, count), 0);
}

End run_one(std::uint32_t driver, World& world) {
  world.is_memory_mapped = driver < 3;
  std::vector<std::byte> model;
  world.client = [&](sdk::Request) { call_disk(world, model); };
  std::unique_ptr<Device> device;
  void (*const entries[])() = {run_virtio_block, run_virtio_rng, run_virtio_net, run_e1000};
  if (driver == 0) {
    model.resize(Disk::kSectors * 512);
    device = std::make_unique<Disk>(world);
  } else if (driver == 1) {
    device = std::make_unique<Source>(world);
  } else {
    for (int i = 0; i < 8; ++i)
      world.outgoing.push_back(some_bytes(world.random, 14 + world.random.below(1501)));
    if (driver == 2)
      device = std::make_unique<Network>(world);
    else
      device = std::make_unique<Controller>(world);
  }
  world.device = device.get();
  return run(world, entries[driver]);
}

constexpr std::array kNames = {"virtio_block", "virtio_rng", "virtio_net", "e1000"};

TEST(Drivers, WorkWithHonestDevices) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (std::uint32_t driver = 0; driver < kNames.size(); ++driver) {
      World world(seed, 0);
      const End end = run_one(driver, world);
      ASSERT_EQ(end, driver < 2 ? End::returned : End::waits) << kNames[driver] << ": " << world.said;
      // The networks gave back all that was sent, after what the driver says of itself.
      if (driver >= 2) ASSERT_EQ(world.incoming.size(), 9u) << kNames[driver];
      ASSERT_TRUE(world.outgoing.empty());
    }
  }
}

TEST(Drivers, StandLyingDevices) {
  const char* more = std::getenv("NB_DRIVER_FAULTS");
  const std::uint64_t count = more != nullptr ? std::strtoull(more, nullptr, 10) : 300;
  std::array<std::array<int, 4>, 4> ends{};
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const auto driver = static_cast<std::uint32_t>(seed % kNames.size());
    World world(seed, 3u << (seed / 4 % 12));
    const End end = run_one(driver, world);
    ASSERT_NE(end, End::hangs) << kNames[driver] << " with seed " << seed << ", lies " << world.lies << ": "
                               << world.said;
    ++ends[driver][static_cast<std::size_t>(end)];
  }
  for (std::uint32_t driver = 0; driver < kNames.size(); ++driver)
    std::printf("%s: %d returned, %d gave up, %d wait\n", kNames[driver], ends[driver][0], ends[driver][1],
                ends[driver][2]);
}

}  // namespace
}  // namespace nebulet::test
