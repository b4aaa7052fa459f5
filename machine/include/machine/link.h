// SPDX-License-Identifier: MIT
// The console link (docs/reference/link.md): what the two machines and the tool on the host agree on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nebulet::machine::link {

/// After these bytes come packets; what comes before is the firmware's.
inline constexpr std::string_view kMagic = "\x01NEBULET-LINK1\n";

/// Kinds of packets; some are used both ways.
enum class Packet : std::uint8_t {
  out = 1,
  err = 2,
  log = 3,
  input = 4,
  files = 5,
  exit = 6,
  host = 7,
  results = 8,
  progress = 9,
  trace = 10,
  names = 11,
  core = 12,
};
inline constexpr Packet kLastPacket = Packet::core;

/// A packet's header: its kind, and the length of the payload behind it.
using Header = std::array<std::byte, 4>;

inline Header header_of(Packet kind, std::size_t length) {
  return {static_cast<std::byte>(kind), static_cast<std::byte>(length), static_cast<std::byte>(length >> 8),
          static_cast<std::byte>(length >> 16)};
}

/// Of a header that came over the link, so its kind may be none of the above.
inline Packet kind_of(std::span<const std::byte, 4> header) { return static_cast<Packet>(header[0]); }
inline std::uint32_t length_of(std::span<const std::byte, 4> header) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(header[i]); };
  return byte(1) | byte(2) << 8 | byte(3) << 16;
}

inline constexpr std::size_t kMaxStreamPayload = 64 * 1024;  ///< of a packet with bytes of a stream or input
inline constexpr std::size_t kMaxPayload = 1 << 20;          ///< of any packet

}  // namespace nebulet::machine::link
