// SPDX-License-Identifier: MIT
// A server of 9P2000.L that serves directories of the host to one client. It knows messages, not transports:
// whoever has a message calls `handle` and carries the reply back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "user/sdk/ninep.h"

namespace nebulet::ninep {

/// A directory of the host, and the name by which a client attaches to it.
struct Export {
  std::string host_path;
  std::string guest_name;
};

class Fid;

/// The state of one client's session. The client is not trusted: a message that is not well-formed, or names
/// a fid that is not there, is answered with Rlerror, and no message reaches a file outside of the exported
/// directories, since names are looked up one by one below an open directory, without following links and
/// without "..". Not thread-safe; calls do not wait for anything but the host's file system.
class Server {
 public:
  static constexpr std::size_t kMaxFids = 4096;

  explicit Server(std::vector<Export> exports);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Answers one message. The reply, whose length is returned, is in `reply`, which has room for at least
  /// kMinReply bytes (with less, 0 is returned). `request` and `reply` do not overlap.
  std::size_t handle(std::span<const std::byte> request, std::span<std::byte> reply);

  static constexpr std::size_t kMinReply = 64;
  std::size_t fid_count() const { return fids_.size(); }

 private:
  using Error = int;  // an errno of the host, which is what Rlerror carries
  struct Message;

  Error dispatch(Message& message);
  Error version(Message& message);
  Error attach(Message& message);
  Error walk(Message& message);
  Error lopen(Message& message);
  Error lcreate(Message& message);
  Error read(Message& message);
  Error write(Message& message);
  Error readdir(Message& message);
  Error getattr(Message& message);
  Error setattr(Message& message);
  Error readlink(Message& message);
  Error symlink(Message& message);
  Error link(Message& message);
  Error mkdir(Message& message);
  Error renameat(Message& message);
  Error unlinkat(Message& message);
  Error fsync(Message& message);
  Error allocate(Message& message);
  Error clunk(Message& message);

  Fid* find(std::uint32_t number);
  Error insert(std::uint32_t number, std::unique_ptr<Fid> fid);
  std::uint64_t file_system_number(std::uint64_t device);

  std::vector<Export> exports_;
  std::map<std::uint32_t, std::unique_ptr<Fid>> fids_;
  std::vector<std::uint64_t> devices_;  // of the host, in the order in which clients came upon them
  std::uint32_t message_size_ = 0;      // as agreed by Tversion; 0: no session
};

}  // namespace nebulet::ninep
