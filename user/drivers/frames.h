// SPDX-License-Identifier: MIT
// What network drivers share. Frames go through a channel, one in a message, those that came and those that
// are to be sent. A shorter message is about the driver: it says its net_info when it starts, so a client
// sees when it was started again, and answers each short message with it. Frames for which there is no room
// are dropped, as on any network.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "user/sdk/event_loop.h"

namespace nebulet::drivers {

// Without the checksum. Ethernet's have at least 60 bytes; what is emulated may leave out the padding.
constexpr std::size_t kMinFrame = sizeof(nb_net_info_t) + 1, kMaxFrame = 1514;
using FrameBytes = std::array<std::byte, kMaxFrame>;

/// `Device` has: info(); can_send(), send(frame); receive(into), the size of the next frame that came, 0:
/// none; interrupted(), which lets it interrupt again.
template <class Device>
class FrameServer {
 public:
  FrameServer(Device& device, nb_handle_t interrupt, nb_handle_t channel)
      : device_(device), channel_(channel) {
    interrupt_ = loop_.add(
        interrupt, NB_SIGNAL_SIGNALED, [](void* self, std::uint32_t) { of(self).on_interrupt(); }, this);
    outgoing_ = loop_.add(
        channel, kOutgoing, [](void* self, std::uint32_t signals) { of(self).on_channel(signals); }, this);
  }

  /// Until the channel's other end is gone.
  void run() {
    tell();
    loop_.run();
  }

 private:
  static constexpr std::uint32_t kOutgoing = NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED;
  /// So many frames at most are moved before the other direction has its turn.
  static constexpr int kTurn = 64;

  static FrameServer& of(void* self) { return *static_cast<FrameServer*>(self); }

  void tell() {
    const nb_net_info_t info = device_.info();
    nb_channel_write(channel_, &info, sizeof info, nullptr, 0);
  }

  void on_interrupt() {
    device_.interrupted();
    int turns = 0;
    for (; turns < kTurn; ++turns) {
      const std::size_t size = device_.receive(frame_);
      if (size == 0) break;
      if (size >= kMinFrame) nb_channel_write(channel_, frame_.data(), size, nullptr, 0);
    }
    if (turns == kTurn) loop_.again(interrupt_);
    loop_.set_mask(outgoing_, device_.can_send() ? kOutgoing : NB_SIGNAL_PEER_CLOSED);
  }

  void on_channel(std::uint32_t signals) {
    for (int i = 0; i < kTurn && (signals & NB_SIGNAL_READABLE) && device_.can_send(); ++i) {
      const sdk::Result size = nb_channel_read(channel_, frame_.data(), frame_.size(), nullptr, 0);
      if (size == NB_STATUS_SHOULD_WAIT) return;
      if (size == NB_STATUS_PEER_CLOSED) return loop_.stop();
      if (size < 0) sdk::give_up("a client sends what is no frame");
      const std::size_t bytes = static_cast<std::uint32_t>(size);
      if (bytes < kMinFrame)
        tell();
      else
        device_.send(std::span(frame_).first(bytes));
    }
    if (!(signals & NB_SIGNAL_READABLE)) return loop_.stop();
    if (!device_.can_send()) loop_.set_mask(outgoing_, NB_SIGNAL_PEER_CLOSED);
  }

  Device& device_;
  const nb_handle_t channel_;
  sdk::EventLoop loop_;
  std::size_t interrupt_ = 0, outgoing_ = 0;
  FrameBytes frame_{};
};

}  // namespace nebulet::drivers
