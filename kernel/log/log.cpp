// SPDX-License-Identifier: MIT
#include "kernel/log/log.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>

#include "machine/include/machine/console.h"

namespace nebulet::kernel {
namespace {

std::atomic<LogLevel> maximum = LogLevel::info;
constexpr std::string_view kPrefix = "nebulet: ";

}  // namespace

void set_log_level(LogLevel level) { maximum.store(level, std::memory_order_relaxed); }
bool is_logged(LogLevel level) { return level <= maximum.load(std::memory_order_relaxed); }

void log_line(LogLevel level, std::string_view text) {
  if (!is_logged(level)) return;
  std::array<char, kPrefix.size() + kMaxLogLine + 1> line;
  char* end = std::copy(kPrefix.begin(), kPrefix.end(), line.data());
  for (char c : text.substr(0, kMaxLogLine)) {
    const auto byte = static_cast<unsigned char>(c);
    *end++ = byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  *end++ = '\n';
  // In one piece, so that lines of several CPUs do not mix.
  machine::console_write(machine::ConsoleStream::log,
                         std::as_bytes(std::span(line.data(), static_cast<std::size_t>(end - line.data()))));
}

}  // namespace nebulet::kernel
