// SPDX-License-Identifier: MIT
// The kernel's log: whole lines to the console's log stream.
#pragma once

#include <array>
#include <cstddef>
#include <format>
#include <string_view>

#include "abi/generated/types.h"

namespace nebulet::kernel {

using abi::LogLevel;

constexpr std::size_t kMaxLogLine = 1024;

/// Lines above this level are dropped. Default: info.
void set_log_level(LogLevel level);
bool is_logged(LogLevel level);

/// Writes "nebulet: text" and a newline. Control characters become '?'; what does not fit is cut.
void log_line(LogLevel level, std::string_view text);

/// The same with std::format's syntax. No floating-point arguments: the kernel cannot print them.
template <class... Args>
void log(LogLevel level, std::format_string<Args...> format, Args&&... args) {
  if (!is_logged(level)) return;
  std::array<char, kMaxLogLine> line;
  const auto result = std::format_to_n(line.data(), line.size(), format, std::forward<Args>(args)...);
  log_line(level, std::string_view(line.data(), result.out));
}

}  // namespace nebulet::kernel
