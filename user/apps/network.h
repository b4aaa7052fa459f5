// SPDX-License-Identifier: MIT
// For clients of a network driver (user/drivers/frames.h): frames, and the link to QEMU's user network, whose
// host is 10.0.2.2. Source: RFC 826 (ARP), RFC 791, RFC 792 (ICMP).
#pragma once

#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "user/apps/tap.h"
#include "user/sdk/driver.h"

namespace nebulet::apps {

using sdk::Result;

using Mac = std::array<std::uint8_t, 6>;
using Ip = std::array<std::uint8_t, 4>;
constexpr Ip kMe = {10, 0, 2, 15}, kHost = {10, 0, 2, 2};
constexpr std::uint16_t kArp = 0x0806, kIpv4 = 0x0800;

/// A packet, from its first byte to its last, in the network's order.
class Frame {
 public:
  Frame() = default;
  explicit Frame(std::span<const std::uint8_t> bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Frame& u8(unsigned value) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Frame& u16(unsigned value) { return u8(value >> 8).u8(value); }
  template <std::size_t kSize>
  Frame& put(const std::array<std::uint8_t, kSize>& value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  unsigned get16(std::size_t at) const {
    return at + 2 <= bytes_.size() ? bytes_[at] << 8u | bytes_[at + 1] : 0;
  }
  template <std::size_t kSize>
  std::array<std::uint8_t, kSize> get(std::size_t at) const {
    std::array<std::uint8_t, kSize> value{};
    if (at + kSize <= bytes_.size()) std::memcpy(value.data(), bytes_.data() + at, kSize);
    return value;
  }
  /// The internet checksum of [from, end), stored at `at`.
  void sum(std::size_t at, std::size_t from, std::size_t end) {
    std::uint32_t sum = 0;
    for (std::size_t i = from; i < end; i += 2) sum += get16(i);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    bytes_[at] = static_cast<std::uint8_t>(~sum >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(~sum);
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Link {
 public:
  explicit Link(nb_handle_t channel) : channel_(channel) {}
  bool send(const Frame& frame) const {
    return nb_channel_write(channel_, frame.bytes().data(), frame.bytes().size(), nullptr, 0) == NB_STATUS_OK;
  }
  /// The next message, an empty one if there is none for long.
  Frame receive() const {
    std::array<std::uint8_t, 2048> bytes;
    for (const std::uint64_t deadline = now() + 30'000 * kMs;;) {
      const Result size = nb_channel_read(channel_, bytes.data(), bytes.size(), nullptr, 0);
      if (size >= 0) return Frame(std::span(bytes).first(static_cast<std::uint32_t>(size)));
      if (nb_object_wait(channel_, NB_SIGNAL_READABLE, deadline) < 0) return {};
    }
  }
  /// The next one that `wanted` likes; others come too.
  template <class Wanted>
  Frame receive(Wanted wanted) const {
    for (;;) {
      Frame frame = receive();
      if (frame.bytes().empty() || wanted(frame)) return frame;
    }
  }

 private:
  nb_handle_t channel_;
};

inline Frame ethernet(const Mac& to, const Mac& from, std::uint16_t type) {
  return Frame().put(to).put(from).u16(type);
}

/// Asks for the host's address; the reply, or an empty frame.
inline Frame ask_for_host(const Link& link, const Mac& me) {
  constexpr Mac kAll = {255, 255, 255, 255, 255, 255}, kUnknown = {};
  link.send(ethernet(kAll, me, kArp)
                .u16(1)
                .u16(kIpv4)
                .u8(6)
                .u8(4)
                .u16(1)
                .put(me)
                .put(kMe)
                .put(kUnknown)
                .put(kHost));
  return link.receive([](const Frame& frame) {
    return frame.get16(12) == kArp && frame.get16(20) == 2 && frame.get<4>(28) == kHost;
  });
}
inline Mac sender(const Frame& arp) { return arp.get<6>(22); }

/// A request for an echo of so many bytes.
inline Frame echo_request(const Mac& host, const Mac& me, unsigned data) {
  Frame echo = ethernet(host, me, kIpv4);
  echo.u8(0x45).u8(0).u16(28 + data).u16(data).u16(0).u8(64).u8(1).u16(0).put(kMe).put(kHost);
  echo.sum(24, 14, 34);
  echo.u8(8).u8(0).u16(0).u16(0x4e42).u16(data);
  for (unsigned i = 0; i < data; ++i) echo.u8(i * 7 + data);
  if (data % 2) echo.u8(0);  // for the sum; the network ignores it
  echo.sum(36, 34, echo.bytes().size());
  return echo;
}
inline bool is_echo(const Frame& frame) {
  return frame.get16(12) == kIpv4 && frame.get<4>(26) == kHost && (frame.get16(34) >> 8) == 0;
}

}  // namespace nebulet::apps
