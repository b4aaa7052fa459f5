// SPDX-License-Identifier: MIT
// Answers 9P messages on standard input and output: `ninep_stdio HOST::GUEST…`. For tests.
#include <unistd.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "tools/ninep/server.h"

namespace {

bool read_fully(std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t done = ::read(0, into.data(), into.size());
    if (done <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

bool write_fully(std::span<const std::byte> from) {
  while (!from.empty()) {
    const ssize_t done = ::write(1, from.data(), from.size());
    if (done <= 0) return false;
    from = from.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<nebulet::ninep::Export> exports;
  for (const std::string_view argument : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    const std::size_t split = argument.find("::");
    if (split == std::string_view::npos) return 2;
    exports.push_back({std::string(argument.substr(0, split)), std::string(argument.substr(split + 2))});
  }
  nebulet::ninep::Server server(std::move(exports));
  std::vector<std::byte> request(nebulet::ninep::kMessageSize);
  std::vector<std::byte> reply(nebulet::ninep::kMessageSize);
  while (read_fully(std::span(request).first(4))) {
    std::uint32_t size = 0;
    std::memcpy(&size, request.data(), sizeof size);
    if (size < 4 || size > request.size() || !read_fully(std::span(request).first(size).subspan(4))) return 1;
    const std::size_t length = server.handle(std::span(request).first(size), reply);
    if (!write_fully(std::span(reply).first(length))) return 1;
  }
  return 0;
}
