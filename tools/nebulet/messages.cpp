// SPDX-License-Identifier: MIT
#include "tools/nebulet/messages.h"

#include "tools/nebulet/files.h"
#include "tools/nebulet/invoke.h"

namespace nebulet::tool {

bool Messages::take(Packet kind, std::span<const std::byte> payload) {
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (kind == Packet::results) {
    progress_.clear();
    take_results(text);
  } else if (kind == Packet::progress) {
    text == "\n" ? progress_.clear() : progress_.say(text);
  } else {
    return false;
  }
  return true;
}

void Messages::take_results(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    out += format_result(line_) + '\n';
    line_.clear();
  }
  write_all(1, out.data(), out.size());
}

}  // namespace nebulet::tool
