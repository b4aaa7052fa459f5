// SPDX-License-Identifier: MIT
// A virtio console (OASIS virtio 1.2, 5.3), its first port: what comes goes to a stream, what another one
// brings is sent (user/drivers/bytes.h). Handles: those of a virtio driver, then 4 the stream that is sent, 5
// the stream of what comes.
#include <algorithm>

#include "user/drivers/bytes.h"
#include "user/virtio/slots.h"

namespace {

using namespace nebulet;
using Slots = virtio::Slots<16, 256>;

constexpr nb_handle_t kOutgoing = virtio::kFirstOtherHandle, kIncoming = kOutgoing + 1;

class Console {
 public:
  Console() : receiving_(negotiated(), 0, true), sending_(device_, 1, false) {
    device_.start();
    while (receiving_.has_free()) receiving_.publish(device_, receiving_.take_free(), Slots::kBytes);
  }

  void interrupted() { device_.wait(0); }
  std::size_t receive(std::span<std::byte> into) {
    const auto came = receiving_.take();
    if (!came) return 0;
    const std::size_t count = std::min<std::size_t>(came->bytes, into.size());
    receiving_.memory().read(Slots::place(came->slot), into.first(count));
    receiving_.publish(device_, came->slot, Slots::kBytes);
    return count;
  }
  std::size_t room() {
    while (const auto sent = sending_.take()) sending_.give_back(sent->slot);
    return sending_.has_free() ? Slots::kBytes : 0;
  }
  void finish() {
    constexpr std::uint64_t kTimeout = 10'000'000'000;
    const std::uint64_t deadline = static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_MONOTONIC)) + kTimeout;
    while (room() != Slots::kBytes || !sending_.has_all())
      if (!device_.wait(deadline)) return;
  }
  void send(std::span<const std::byte> bytes) {
    const std::uint16_t slot = sending_.take_free();
    sending_.memory().write(Slots::place(slot), bytes);
    sending_.publish(device_, slot, static_cast<std::uint32_t>(bytes.size()));
  }

 private:
  virtio::Device& negotiated() {
    device_.negotiate(0);
    return device_;
  }

  virtio::Device device_;
  Slots receiving_, sending_;
};

}  // namespace

extern "C" void run() {
  auto& console = sdk::make_static<Console>();
  sdk::make_static<drivers::ByteServer<Console>>(console, virtio::kInterruptHandle, kOutgoing, kIncoming)
      .run();
}
