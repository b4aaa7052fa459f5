// SPDX-License-Identifier: MIT
#include "tools/nebulet/command_line.h"

#include <format>
#include <string_view>

namespace nebulet::tool {
namespace {

std::string encode(std::string_view value) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:@+";
  std::string text;
  for (char c : value) {
    if (kPlain.find(c) != std::string_view::npos) {
      text += c;
    } else {
      text += std::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

std::string kernel_command_line(const RunOptions& options) {
  std::string line;
  auto put = [&](std::string_view key, std::string_view value) {
    if (!line.empty()) line += ' ';
    line += std::format("{}={}", key, encode(value));
  };
  if (!options.hosted && !options.text_console) put("console", "link");
  put("log", options.log_level);
  put("arg", options.argv0.empty() ? options.file : options.argv0);
  for (const std::string& argument : options.arguments) put("arg", argument);
  for (const std::string& entry : options.environment) put("env", entry);
  for (const Directory& directory : options.directories) put("preopen", directory.guest);
  for (const MemoryDirectory& directory : options.memory_directories)
    put("tmpfs", std::format("{}:{}", directory.quota, directory.guest));
  if (!options.invoke.empty()) put("invoke", options.invoke);
  for (const std::string& operand : options.operands) put("operand", operand);
  if (options.terminals != 0) put("terminals", std::to_string(options.terminals));
  if (options.devices) put("devices", "1");
  if (options.stats) put("stats", "1");
  if (!options.trace_file.empty()) put("trace", "1");
  if (!options.core_file.empty()) put("core", "1");
  if (!options.profile_file.empty()) put("profile", std::to_string(options.profile_hz));
  if (options.timer_hz) put("hz", std::to_string(options.timer_hz));
  return line;
}

}  // namespace nebulet::tool
