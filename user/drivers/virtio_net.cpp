// SPDX-License-Identifier: MIT
// A virtio network device (OASIS virtio 1.2, 5.1): frames through a channel (user/drivers/frames.h).
// Handles: those of a virtio driver, then 4 the channel.
#include <algorithm>

#include "user/drivers/frames.h"
#include "user/virtio/slots.h"

namespace {

using namespace nebulet;

constexpr std::uint64_t kMac = 1 << 5;
constexpr std::uint16_t kReceive = 0, kSend = 1;
constexpr std::uint32_t kHeader = 12;

using Slots = virtio::Slots<32, 2048>;

class NetDevice {
 public:
  NetDevice()
      : features_(device_.negotiate(kMac)),
        receiving_(device_, kReceive, true),
        sending_(device_, kSend, false) {
    if (features_ & kMac) device_.read_config(0, mac_);
    device_.start();
    while (receiving_.has_free()) receiving_.publish(device_, receiving_.take_free(), Slots::kBytes);
  }

  nb_net_info_t info() const { return {mac_[0], mac_[1] & 0xffff, drivers::kMaxFrame, 0}; }
  void interrupted() { device_.wait(0); }
  std::size_t receive(drivers::FrameBytes& into) {
    const auto came = receiving_.take();
    if (!came) return 0;
    const std::size_t bytes = std::clamp<std::size_t>(came->bytes, kHeader, kHeader + into.size()) - kHeader;
    receiving_.memory().read(Slots::place(came->slot) + kHeader, std::span(into).first(bytes));
    receiving_.publish(device_, came->slot, Slots::kBytes);
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
