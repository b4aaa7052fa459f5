// SPDX-License-Identifier: MIT
// Directories of the host as a service: `hostfs NAME…`, with the handles `service` and `files` in its startup
// block. A door with the cookie n leads to what the host exports under the n-th name.
#include <cstdio>
#include <vector>

#include "user/sdk/given.h"
#include "user/services/shared_server.h"

namespace {

/// The tool's server.
class Host final : public nebulet::services::Upstream {
 public:
  explicit Host(nb_handle_t files) : files_(files) {}
  std::span<const std::byte> transact(std::span<std::byte> request, std::span<std::byte> reply) override {
    const auto length = nb_files_transact(files_, request.data(), request.size(), reply.data(), reply.size());
    return reply.first(length < 0 ? 0 : static_cast<std::size_t>(length));
  }

 private:
  const nb_handle_t files_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto given = nebulet::sdk::Given::get();
  const nb_handle_t service = given.handle("service"), files = given.handle("files");
  if (service == 0 || files == 0) {
    std::fprintf(stderr, "hostfs: it was given no handle `%s`\n", service == 0 ? "service" : "files");
    return 1;
  }
  Host host(files);
  const std::vector<std::string_view> names(argv + 1, argv + argc);
  if (names.empty()) {
    std::fprintf(stderr, "hostfs: want the names of directories as arguments\n");
    return 1;
  }
  const nb_status_t status = nebulet::services::share_server(service, host, names);
  if (status == NB_STATUS_PEER_CLOSED) return 0;
  if (status == NB_STATUS_BAD_STATE)
    std::fprintf(stderr, "hostfs: the host's file server does not answer\n");
  else
    std::fprintf(stderr, "hostfs: error %d\n", status);
  return 1;
}
