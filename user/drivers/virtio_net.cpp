// SPDX-License-Identifier: MIT
// A virtio network device (OASIS virtio 1.2, 5.1): frames through a channel (user/drivers/frames.h).
// Handles: those of a virtio driver, then 4 the channel.
#include <algorithm>

#include "user/drivers/frames.h"
#include "user/virtio/device.h"

namespace {

using namespace nebulet;

constexpr std::uint64_t kMac = 1 << 5;
constexpr std::uint16_t kReceive = 0, kSend = 1, kQueue = 32;
constexpr std::uint32_t kHeader = 12, kSlot = 2048, kRings = 4096;

/// Buffers of one direction behind the rings of their queue.
class Slots {
 public:
  Slots(virtio::Device& device, std::uint16_t index)
      : index_(index),
        memory_(virtio::kDeviceHandle, kRings + kQueue * kSlot),
        size_(device.enable_queue(index, kQueue, memory_, 0)),
        queue_(memory_, 0, size_) {
    for (std::uint16_t slot = 0; slot < size_; ++slot) free_[free_count_++] = slot;
  }
  bool has_free() const { return free_count_ != 0; }
  /// A slot to fill.
  std::uint16_t take_free() { return free_[--free_count_]; }
  sdk::Dma& memory() { return memory_; }
  static std::uint32_t place(std::uint16_t slot) { return kRings + std::uint32_t{slot} * kSlot; }

  void publish(virtio::Device& device, std::uint16_t slot, std::uint32_t bytes) {
    const virtio::Buffer buffer{memory_.address() + place(slot), bytes, index_ == kReceive};
    if (const auto head = queue_.add({&buffer, 1})) slot_of_[*head] = slot;
    if (queue_.wants_notification()) device.notify(index_);
  }
  struct Returned {
    std::uint16_t slot;
    std::uint32_t bytes;
  };
  std::optional<Returned> take() {
    const auto used = queue_.take();
    if (queue_.is_broken()) sdk::give_up("virtio_net: the device broke its queue");
    if (!used) return std::nullopt;
    return Returned{slot_of_[used->head], used->length};
  }
  void give_back(std::uint16_t slot) { free_[free_count_++] = slot; }

 private:
  std::uint16_t index_;
  sdk::Dma memory_;
  std::uint16_t size_;
  virtio::Virtqueue<sdk::Dma> queue_;
  std::array<std::uint16_t, kQueue> free_{}, slot_of_{};
  std::uint16_t free_count_ = 0;
};

class NetDevice {
 public:
  NetDevice() : features_(device_.negotiate(kMac)), receiving_(device_, kReceive), sending_(device_, kSend) {
    if (features_ & kMac) device_.read_config(0, mac_);
    device_.start();
    while (receiving_.has_free()) receiving_.publish(device_, receiving_.take_free(), kSlot);
  }

  nb_net_info_t info() const { return {mac_[0], mac_[1] & 0xffff, drivers::kMaxFrame, 0}; }
  void interrupted() { device_.wait(0); }
  std::size_t receive(drivers::FrameBytes& into) {
    const auto came = receiving_.take();
    if (!came) return 0;
    const std::size_t bytes = std::clamp<std::size_t>(came->bytes, kHeader, kHeader + into.size()) - kHeader;
    receiving_.memory().read(Slots::place(came->slot) + kHeader, std::span(into).first(bytes));
    receiving_.publish(device_, came->slot, kSlot);
    return std::max<std::size_t>(bytes, 1);  // something came
  }
  bool can_send() {
    while (const auto sent = sending_.take()) sending_.give_back(sent->slot);
    return sending_.has_free();
  }
  void send(std::span<const std::byte> frame) {
    constexpr std::array<std::byte, kHeader> kNoOffloads{};
    const std::uint16_t slot = sending_.take_free();
    sending_.memory().write(Slots::place(slot), kNoOffloads);
    sending_.memory().write(Slots::place(slot) + kHeader, frame);
    sending_.publish(device_, slot, kHeader + static_cast<std::uint32_t>(frame.size()));
  }

 private:
  virtio::Device device_;
  const std::uint64_t features_;
  Slots receiving_, sending_;
  std::array<std::uint32_t, 2> mac_ = {0x00000002, 0x0100};  // a locally administered one
};

}  // namespace

extern "C" void run() {
  auto& device = sdk::make_static<NetDevice>();
  sdk::make_static<drivers::FrameServer<NetDevice>>(device, virtio::kInterruptHandle,
                                                    virtio::kFirstOtherHandle)
      .run();
}
