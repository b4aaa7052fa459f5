// SPDX-License-Identifier: MIT
// Messages to a file server and their answers. What one call does at a server it sends together where it can
// (docs/reference/files.md): a name is looked up and the file opened for the price of one message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "user/sdk/ninep.h"
#include "user/wasi/types.h"

namespace nebulet::wasi::files {

/// Of a call; the messages in it are valid until the call's next exchange.
struct Buffers {
  std::byte request[ninep::kExchangeSize], reply[ninep::kExchangeSize];
};
Buffers& buffers();

/// Usage: `add` messages, `send`, then `answer` for each in the same order. An answer that is an error does
/// not keep the server from the next message, so that must do no harm then: it names a fid that was not made.
class Exchange {
 public:
  explicit Exchange(std::uint32_t server) : server_(server) {}

  /// `fill` writes the message's fields.
  template <class Fill>
  void add(ninep::MessageType type, Fill fill) {
    ninep::Writer writer(std::span(buffers().request).subspan(request_size_), type, kTag);
    fill(writer);
    const auto message = writer.finish();
    if (message.empty() || count_ == types_.size()) {
      fits_ = false;
      return;
    }
    request_size_ += message.size();
    types_[count_++] = type;
  }
  /// `nametoolong`: a name did not fit; nothing was sent.
  Result<> send();
  /// A reader behind the header of the next message's answer.
  Result<ninep::Reader> answer();

 private:
  static constexpr std::uint16_t kTag = 1;

  const std::uint32_t server_;
  std::array<ninep::MessageType, 4> types_{};
  std::size_t count_ = 0, answered_ = 0;
  std::size_t request_size_ = 0;
  bool fits_ = true;
  std::span<const std::byte> answers_;
};

}  // namespace nebulet::wasi::files
