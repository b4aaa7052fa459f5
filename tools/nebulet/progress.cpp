// SPDX-License-Identifier: MIT
#include "tools/nebulet/progress.h"

#include <unistd.h>

#include <format>

#include "tools/nebulet/files.h"

namespace nebulet::tool {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";  // ECMA-48, EL
constexpr std::size_t kLongest = 76;                 // a line that wraps could not be replaced

}  // namespace

Progress::Progress() : Progress(2, ::isatty(2) != 0, kPatience) {}

void Progress::say(std::string_view text) {
  if (!is_terminal_ || Clock::now() - begin_ < patience_) return;
  std::string line = std::format("{}nebulet: ", kClearLine);
  for (char c : text.substr(0, kLongest)) line += c >= ' ' && c != '\x7f' ? c : '?';
  write_all(fd_, line.data(), line.size());
  shown_ = true;
}

void Progress::clear() {
  if (shown_) write_all(fd_, kClearLine.data(), kClearLine.size());
  shown_ = false;
}

}  // namespace nebulet::tool
