// SPDX-License-Identifier: MIT
// nebulet-hosted: the kernel as a Linux process. Usually started by `./nebulet run --hosted`.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

#include "machine/hosted/hosted.h"
#include "tools/ninep/server.h"

namespace {

using nebulet::machine::HostedOptions;

constexpr int kExitError = 125;
constexpr const char* kUsage =
    "usage: nebulet-hosted --module program=FILE.wasm [--module wasi=FILE.wasm] [--command-line TEXT]\n"
    "                      [--memory BYTES] [--cpus N] [--log FILE] [--tool-fd N] [--profile perfmap] [--dir "
    "HOST::GUEST]...\n";

[[noreturn]] void fail(const std::string& message) {
  fprintf(stderr, "nebulet-hosted: %s\n%s", message.c_str(), kUsage);
  exit(kExitError);
}

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t minimum,
                           std::uint64_t maximum) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < minimum || value > maximum)
    fail(std::string(option) + " needs a number from " + std::to_string(minimum) + " to " +
         std::to_string(maximum) + ", not " + std::string(text));
  return value;
}

/// Splits `text` at the first `separator`.
std::pair<std::string, std::string> split(std::string_view option, std::string_view text,
                                          std::string_view separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos || at == 0 || at + separator.size() == text.size())
    fail(std::string(option) + " needs two parts with " + std::string(separator) + " in between, not " +
         std::string(text));
  return {std::string(text.substr(0, at)), std::string(text.substr(at + separator.size()))};
}

std::size_t serve(void* server, std::span<const std::byte> request, std::span<std::byte> reply) {
  return static_cast<nebulet::ninep::Server*>(server)->handle(request, reply);
}

}  // namespace

int main(int count, char** words) {
  HostedOptions options;
  std::vector<nebulet::ninep::Export> exports;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = words[i];
    if (option == "--help") {
      fputs(kUsage, stdout);
      return 0;
    }
    if (i + 1 == count) fail("unknown option, or no value for " + std::string(option));
    const std::string_view value = words[++i];
    if (option == "--memory") {
      options.memory_bytes = parse_number(option, value, 1 << 20, 1ull << 44);
    } else if (option == "--cpus") {
      options.cpus = static_cast<std::uint32_t>(parse_number(option, value, 1, 64));
    } else if (option == "--profile") {
      if (value != "perfmap") fail("--profile knows only perfmap");
      options.perf_map = true;
    } else if (option == "--tool-fd") {
      options.tool_fd = static_cast<int>(parse_number(option, value, 3, 1 << 20));
    } else if (option == "--log") {
      options.log_path = value;
    } else if (option == "--command-line") {
      options.command_line = value;
    } else if (option == "--module") {
      auto [name, path] = split(option, value, "=");
      options.modules.push_back({.name = std::move(name), .path = std::move(path)});
    } else if (option == "--dir") {
      auto [host, guest] = split(option, value, "::");
      exports.push_back({.host_path = std::move(host), .guest_name = std::move(guest)});
    } else {
      fail("unknown option " + std::string(option));
    }
  }
  const bool has_files = !exports.empty();
  nebulet::ninep::Server files(std::move(exports));
  if (has_files) {
    options.file_server = serve;
    options.file_server_state = &files;
  }
  // Other CPUs are still idling: leave without destroying anything under them.
  const int status = nebulet::machine::run_hosted(options);
  fflush(nullptr);
  _exit(status);
}
