// SPDX-License-Identifier: MIT
// The host's side of the console link (docs/reference/link.md): packets between the kernel in a virtual
// machine and this tool.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "machine/include/machine/link.h"

namespace nebulet::tool {

using machine::link::Packet;

/// What arrives from the kernel, cut into packets. Everything before the magic line (firmware) is skipped.
class LinkParser {
 public:
  using Handler = std::function<void(Packet, std::span<const std::byte>)>;
  explicit LinkParser(Handler handler) : handler_(std::move(handler)) {}

  /// Takes bytes as they come and calls the handler for each whole packet. False: these are no packets.
  bool feed(std::span<const std::byte> bytes);
  bool started() const { return started_; }
  /// What came before the magic line; for the report when there was none.
  std::span<const std::byte> preamble() const {
    return started_ ? std::span<const std::byte>() : std::span<const std::byte>(buffer_);
  }

 private:
  bool find_start();
  Handler handler_;
  std::vector<std::byte> buffer_;
  bool started_ = false;
};

/// A packet to send to the kernel.
std::vector<std::byte> make_packet(Packet kind, std::span<const std::byte> payload);

}  // namespace nebulet::tool
