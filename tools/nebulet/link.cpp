// SPDX-License-Identifier: MIT
#include "tools/nebulet/link.h"

#include <algorithm>
#include <tuple>

namespace nebulet::tool {
namespace {

namespace link = machine::link;
constexpr std::size_t kHeader = std::tuple_size_v<link::Header>;
constexpr std::size_t kPreambleLimit = 1 << 20;

}  // namespace

bool LinkParser::find_start() {
  const auto magic = std::as_bytes(std::span(link::kMagic));
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
    const auto header = std::span(buffer_).subspan(at).first<kHeader>();
    const Packet kind = link::kind_of(header);
    const std::uint32_t length = link::length_of(header);
    if (kind < Packet::out || kind > link::kLastPacket) return false;
    if (buffer_.size() - at < kHeader + length) break;
    handler_(kind, std::span(buffer_).subspan(at + kHeader, length));
    at += kHeader + length;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

std::vector<std::byte> make_packet(Packet kind, std::span<const std::byte> payload) {
  const link::Header header = link::header_of(kind, payload.size());
  std::vector<std::byte> packet(header.begin(), header.end());
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

}  // namespace nebulet::tool
