// SPDX-License-Identifier: MIT
// A directory in memory as a service, for several processes: `memfs BYTES`, with the handle `service` in its
// startup block. What is in it is gone with the process.
#include <charconv>
#include <cstdio>
#include <string_view>

#include "user/ninep/memory_files.h"
#include "user/sdk/given.h"
#include "user/services/file_service.h"

namespace {

std::uint64_t now() { return static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_REALTIME)); }

}  // namespace

int main(int argc, char** argv) {
  const std::string_view text = argc == 2 ? argv[1] : "";
  std::uint64_t quota = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quota);
  if (error != std::errc() || end != text.data() + text.size() || quota == 0) {
    std::fprintf(stderr, "memfs: want one argument, how many bytes its files may take together\n");
    return 1;
  }
  const nb_handle_t service = nebulet::sdk::Given::get().handle("service");
  if (service == 0) {
    std::fprintf(stderr, "memfs: it was given no handle `service`\n");
    return 1;
  }
  // Of all file systems that a process has, numbers are unlike if their services' are.
  const auto number = static_cast<std::uint64_t>(nb_process_info(NB_PROCESS_PROPERTY_ID));
  nebulet::ninep::MemoryFiles files(quota, number << 32, &now);
  const nb_status_t status = nebulet::services::serve_files(service, files);
  if (status == NB_STATUS_PEER_CLOSED) return 0;
  std::fprintf(stderr, "memfs: error %d\n", status);
  return 1;
}
