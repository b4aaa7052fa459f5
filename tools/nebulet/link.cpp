// SPDX-License-Identifier: MIT
#include "tools/nebulet/link.h"

#include <algorithm>
#include <string_view>

namespace nebulet::tool {
namespace {

constexpr std::string_view kMagic = "\x01NEBULET-LINK1\n";
constexpr std::size_t kHeader = 4;
constexpr std::size_t kPreambleLimit = 1 << 20;

}  // namespace

bool LinkParser::find_start() {
  const auto magic = std::as_bytes(std::span(kMagic));
  const auto at = std::search(buffer_.begin(), buffer_.end(), magic.begin(), magic.end());
  if (at == buffer_.end()) return false;
  buffer_.erase(buffer_.begin(), at + static_cast<std::ptrdiff_t>(magic.size()));
  return true;
}

bool LinkParser::feed(std::span<const std::byte> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (!started_) started_ = find_start();
  if (!started_) return buffer_.size() <= kPreambleLimit;
  std::size_t at = 0;
  while (buffer_.size() - at >= kHeader) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(buffer_[at + i]); };
    const std::uint32_t kind = byte(0), length = byte(1) | byte(2) << 8 | byte(3) << 16;
    if (kind < static_cast<std::uint32_t>(Packet::out) || kind > static_cast<std::uint32_t>(Packet::progress))
      return false;
    if (buffer_.size() - at < kHeader + length) break;
    handler_(static_cast<Packet>(kind), std::span(buffer_).subspan(at + kHeader, length));
    at += kHeader + length;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

std::vector<std::byte> make_packet(Packet kind, std::span<const std::byte> payload) {
  const auto n = static_cast<std::uint32_t>(payload.size());
  std::vector<std::byte> packet = {static_cast<std::byte>(kind), static_cast<std::byte>(n),
                                   static_cast<std::byte>(n >> 8), static_cast<std::byte>(n >> 16)};
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

}  // namespace nebulet::tool
