// SPDX-License-Identifier: MIT
// A server of 9P2000.L that serves directories of the host to one client.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tools/ninep/host_file.h"
#include "user/ninep/session.h"

namespace nebulet::ninep {

/// No message reaches a file outside of the exported directories, since names are looked up one by one below
/// an open directory. Not thread-safe; calls do not wait for anything but the host's file system.
class Server {
 public:
  static constexpr std::size_t kMaxFids = Session::kMaxFids, kMinReply = Session::kMinReply;

  explicit Server(std::vector<Export> exports) : files_(std::move(exports)), session_(files_) {}

  std::size_t handle(std::span<const std::byte> request, std::span<std::byte> reply) {
    return session_.handle(request, reply);
  }
  std::size_t fid_count() const { return session_.fid_count(); }

 private:
  HostFiles files_;
  Session session_;
};

}  // namespace nebulet::ninep
