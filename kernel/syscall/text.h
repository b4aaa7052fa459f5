// SPDX-License-Identifier: MIT
// Names that programs pass to calls, and the reasons that calls give them.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "kernel/syscall/marshal.h"

namespace nebulet::kernel {

/// Fails with too_large beyond `limit` bytes.
inline Result<std::string> read_text(const GuestIn& text, std::size_t limit) {
  if (text.size() > limit) return fail(Status::too_large);
  std::string copy(text.size(), '\0');
  TRY(text.read(0, std::as_writable_bytes(std::span(copy))));
  return copy;
}

/// Stores the reason in `message`, cut to fit, and zeros behind it; that is the result's error.
inline std::unexpected<Status> refuse(const GuestOut& message, const LoadError& error) {
  std::array<std::byte, 512> piece = {};
  const auto text = std::as_bytes(std::span(error.text));
  for (std::uint32_t done = 0; done < message.size();) {
    const std::size_t length = std::min<std::size_t>(message.size() - done, piece.size());
    const auto part = done < text.size() ? text.subspan(done) : std::span<const std::byte>();
    piece = {};
    std::copy_n(part.begin(), std::min(part.size(), length), piece.begin());
    if (const auto written = message.write(done, std::span(piece).first(length)); !written)
      return fail(written.error());
    done += static_cast<std::uint32_t>(length);
    if (done >= text.size() + piece.size()) break;
  }
  return fail(error.status);
}

}  // namespace nebulet::kernel
