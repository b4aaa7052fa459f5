// SPDX-License-Identifier: MIT
// What drivers of serial lines share: bytes that come go to one stream, those of another are sent. What comes
// when nobody reads is lost, as on any line without flow control.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "user/sdk/event_loop.h"

namespace nebulet::drivers {

/// `Device` has: receive(into), how many bytes came, 0: none; room(), how many can be sent now; send(bytes),
/// not more than that; interrupted(), which lets it interrupt again; finish(), which
/// waits until all is sent.
template <class Device>
class ByteServer {
 public:
  /// `outgoing` is the reading end of a stream, `incoming` a writing one.
  ByteServer(Device& device, nb_handle_t interrupt, nb_handle_t outgoing, nb_handle_t incoming)
      : device_(device), outgoing_(outgoing), incoming_(incoming) {
    interrupt_ = loop_.add(
        interrupt, NB_SIGNAL_SIGNALED, [](void* self, std::uint32_t) { of(self).on_interrupt(); }, this);
    source_ = loop_.add(outgoing, kOutgoing, [](void* self, std::uint32_t) { of(self).on_outgoing(); }, this);
  }

  /// Until the outgoing stream has ended and all of it is sent.
  void run() {
    loop_.run();
    device_.finish();
  }

 private:
  static constexpr std::uint32_t kOutgoing = NB_SIGNAL_READABLE | NB_SIGNAL_PEER_CLOSED;
  /// So many pieces at most are moved before the other direction has its turn.
  static constexpr int kTurn = 64;

  static ByteServer& of(void* self) { return *static_cast<ByteServer*>(self); }

  void on_interrupt() {
    device_.interrupted();
    int turns = 0;
    for (; turns < kTurn; ++turns) {
      const std::size_t count = device_.receive(bytes_);
      if (count == 0) break;
      nb_stream_write(incoming_, bytes_.data(), count);
    }
    if (turns == kTurn) loop_.again(interrupt_);
    loop_.set_mask(source_, device_.room() != 0 ? kOutgoing : 0);
  }

  void on_outgoing() {
    for (int i = 0; i < kTurn; ++i) {
      const std::size_t room = std::min(device_.room(), bytes_.size());
      if (room == 0) return loop_.set_mask(source_, 0);
      const sdk::Result count = nb_stream_read(outgoing_, bytes_.data(), room);
      if (count == NB_STATUS_SHOULD_WAIT) return;
      if (count <= 0) return loop_.stop();
      device_.send(std::span(bytes_).first(static_cast<std::size_t>(count)));
    }
  }

  Device& device_;
  const nb_handle_t outgoing_, incoming_;
  sdk::EventLoop loop_;
  std::size_t interrupt_ = 0, source_ = 0;
  std::array<std::byte, 256> bytes_{};
};

}  // namespace nebulet::drivers
