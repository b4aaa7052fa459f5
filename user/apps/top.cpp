// SPDX-License-Identifier: MIT
// The processes that run: a table, or with --json one object a line. `top [--json] [ROUNDS [SECONDS]]`;
// without ROUNDS once. Needs the handle `system` (docs/reference/manifest.md).
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "abi/sdk/nebulet.h"
#include "user/sdk/given.h"

namespace {

std::vector<nb_process_entry_t> processes(nb_handle_t system) {
  std::vector<nb_process_entry_t> all;
  std::array<nb_process_entry_t, 64> some;
  for (;;) {
    const int64_t count =
        nb_system_processes(system, all.empty() ? 0 : all.back().id, some.data(), some.size());
    if (count > 0) all.insert(all.end(), some.begin(), some.begin() + count);
    if (count < static_cast<int64_t>(some.size())) return all;
  }
}

std::string name_of(nb_handle_t system, uint64_t id) {
  std::array<char, 256> name;
  const int64_t length = nb_system_process_name(system, id, name.data(), name.size());
  return length < 0
             ? "(ended)"
             : std::string(name.data(), std::min<std::size_t>(name.size(), static_cast<std::size_t>(length)));
}

/// As JSON wants it (RFC 8259, section 7).
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", byte);
    if (byte < ' ' || c == '"' || c == '\\')
      out += escape;
    else
      out += c;
  }
  return out + '"';
}

void show(nb_handle_t system, bool json) {
  auto all = processes(system);
  if (!json) {
    std::ranges::stable_sort(all, std::greater(), &nb_process_entry_t::cpu_time);
    std::printf("%8s %12s %10s %10s %10s %8s %8s  %s\n", "ID", "CPU ms", "KiB", "LIMIT KiB", "CALLS",
                "HANDLES", "THREADS", "NAME");
  }
  for (const nb_process_entry_t& process : all) {
    const std::string name = name_of(system, process.id);
    if (json) {
      std::printf("{\"id\":%" PRIu64 ",\"name\":%s,\"cpu_ns\":%" PRIu64 ",\"memory\":%" PRIu64
                  ",\"memory_limit\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"handles\":%" PRIu32
                  ",\"threads\":%" PRIu32 "}\n",
                  process.id, quoted(name).c_str(), process.cpu_time, process.memory_used,
                  process.memory_limit, process.calls, process.handles, process.threads);
    } else {
      std::printf("%8" PRIu64 " %12.3f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu32 " %8" PRIu32
                  "  %s\n",
                  process.id, static_cast<double>(process.cpu_time) / 1e6, process.memory_used >> 10,
                  process.memory_limit >> 10, process.calls, process.handles, process.threads, name.c_str());
    }
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const bool json = argc > 1 && std::string_view(argv[1]) == "--json";
  const int first = json ? 2 : 1;
  const long rounds = argc > first ? std::strtol(argv[first], nullptr, 10) : 1;
  const double seconds = argc > first + 1 ? std::strtod(argv[first + 1], nullptr) : 1;
  const nb_handle_t system = nebulet::sdk::Given::get().handle("system");
  if (system == 0) {
    std::fprintf(stderr, "top: it was given no handle `system`: handles = [{ system = true }]\n");
    return 1;
  }
  for (long round = 0; round < rounds; round++) {
    if (round != 0)
      nb_thread_sleep_until(static_cast<uint64_t>(nb_clock_read(NB_CLOCK_MONOTONIC)) +
                            static_cast<uint64_t>(seconds * 1e9));
    show(system, json);
  }
}
