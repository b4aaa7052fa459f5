// SPDX-License-Identifier: MIT
#include "kernel/init/command_line.h"

#include <array>
#include <charconv>
#include <optional>

namespace nebulet::kernel {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"error", "warn", "info", "debug"};

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

template <class T>
bool parse_number(std::string_view text, T& out, T minimum) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= minimum;
}

bool parse_log(std::string_view text, abi::LogLevel& out) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (text != kLevels[i]) continue;
    out = static_cast<abi::LogLevel>(i);
    return true;
  }
  return false;
}

bool parse_memory_directory(std::string_view text, CommandLine& line) {
  const std::size_t colon = text.find(':');
  std::uint64_t bytes = 0;
  if (colon == std::string_view::npos || colon + 1 == text.size() ||
      !parse_number<std::uint64_t>(text.substr(0, colon), bytes, 1))
    return false;
  line.memory_directories.emplace_back(text.substr(colon + 1), bytes);
  return true;
}

/// False: unknown key or bad value.
bool apply(CommandLine& line, std::string_view key, std::string value) {
  if (key == "arg") return line.arguments.push_back(std::move(value)), true;
  if (key == "env") return line.environment.push_back(std::move(value)), true;
  if (key == "preopen") return line.preopens.push_back(std::move(value)), true;
  if (key == "tmpfs") return parse_memory_directory(value, line);
  if (key == "invoke") return line.invoke = std::move(value), true;
  if (key == "operand") return line.operands.push_back(std::move(value)), true;
  if (key == "memory") return parse_number<std::uint64_t>(value, line.memory, 0);
  if (key == "hz") return parse_number<std::uint32_t>(value, line.hz, 1) && line.hz <= 100'000;
  if (key == "stats") return line.stats = value == "1", value == "0" || value == "1";
  if (key == "devices") return line.devices = value == "1", value == "0" || value == "1";
  if (key == "trace") return line.trace = value == "1", value == "0" || value == "1";
  if (key == "core") return line.core = value == "1", value == "0" || value == "1";
  if (key == "profile") return parse_number<std::uint32_t>(value, line.samples, 1) && line.samples <= 10'000;
  if (key == "terminals") return parse_number<std::uint32_t>(value, line.terminals, 0) && line.terminals < 8;
  if (key == "console") return line.link = value == "link", value == "link" || value == "text";
  if (key == "log") return parse_log(value, line.log);
  return false;
}

void append(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ' ';
  out += key;
  out += '=';
  out += percent_encode(value);
}

std::string decimal(std::uint64_t value) {
  std::array<char, 20> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return std::string(digits.data(), result.ptr);
}

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(std::string_view text) {
  CommandLine line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    std::optional<std::string> value = percent_decode(word.substr(equals + 1));
    if (!value || !apply(line, word.substr(0, equals), std::move(*value)))
      return std::unexpected(std::string(word));
  }
  return line;
}

std::string format_command_line(const CommandLine& line) {
  const CommandLine standard;
  std::string out;
  for (const std::string& value : line.arguments) append(out, "arg", value);
  for (const std::string& value : line.environment) append(out, "env", value);
  for (const std::string& value : line.preopens) append(out, "preopen", value);
  for (const auto& [path, bytes] : line.memory_directories) append(out, "tmpfs", decimal(bytes) + ":" + path);
  if (!line.invoke.empty()) append(out, "invoke", line.invoke);
  for (const std::string& value : line.operands) append(out, "operand", value);
  if (line.memory != 0) append(out, "memory", decimal(line.memory));
  if (line.hz != standard.hz) append(out, "hz", decimal(line.hz));
  if (line.stats) append(out, "stats", "1");
  if (line.devices) append(out, "devices", "1");
  if (line.trace) append(out, "trace", "1");
  if (line.core) append(out, "core", "1");
  if (line.samples != 0) append(out, "profile", decimal(line.samples));
  if (line.terminals != 0) append(out, "terminals", decimal(line.terminals));
  if (line.link) append(out, "console", "link");
  if (line.log != standard.log) append(out, "log", kLevels[static_cast<std::size_t>(line.log)]);
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain = "-_./:,@+";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || kPlain.contains(c)) {
      out.push_back(c);
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace nebulet::kernel
