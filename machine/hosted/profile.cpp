// SPDX-License-Identifier: MIT
// Linux perf reads names of generated code from /tmp/perf-PID.map: a line for each function, "BEGIN SIZE
// NAME" in hex.
#include "machine/include/machine/profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <format>
#include <string>

#include "machine/hosted/state.h"

namespace nebulet::machine {
namespace {
int map = -1;
}

bool hosted::start_perf_map() {
  const std::string path = std::format("/tmp/perf-{}.map", getpid());
  // Nobody else's file, and no link to one: /tmp is everybody's.
  unlink(path.c_str());
  map = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND | O_NOFOLLOW, 0600);
  return map >= 0;
}

bool is_profiled() { return map >= 0; }

void name_code(std::uint64_t begin, std::uint64_t size, std::string_view name) {
  std::string line = std::format("{:x} {:x} {}", begin, size, name);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  line += '\n';
  // A name that cannot be written is missing from the profile, and nothing else.
  [[maybe_unused]] const auto written = write(map, line.data(), line.size());
}

}  // namespace nebulet::machine
