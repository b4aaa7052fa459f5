// SPDX-License-Identifier: MIT
// The protocol half of a server of 9P2000.L, for any file system: messages, fids, what is well-formed. It
// knows no transport: whoever has a message calls `handle` and carries the reply back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "user/ninep/file.h"
#include "user/sdk/ninep.h"

namespace nebulet::ninep {

/// The state of one client's session. The client is not trusted: a message that is not well-formed, or names
/// a fid that is not there, is answered with Rlerror, and the file system only ever sees names of one
/// component. Not thread-safe.
class Session {
 public:
  static constexpr std::size_t kMaxFids = 4096;

  /// `files` outlives the session.
  explicit Session(FileSystem& files) : files_(files) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Answers messages that came together, one after the other. The answers, whose length altogether is
  /// returned, are in `reply`; where it has less room than kMinReply bytes the rest is not looked at.
  /// `request` and `reply` do not overlap.
  std::size_t handle(std::span<const std::byte> request, std::span<std::byte> reply);

  static constexpr std::size_t kMinReply = 64;
  std::size_t fid_count() const { return fids_.size(); }

 private:
  struct Message;

  std::size_t handle_one(std::span<const std::byte> request, std::span<std::byte> reply);
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

  File* find(std::uint32_t number);
  Error insert(std::uint32_t number, std::unique_ptr<File> file);

  FileSystem& files_;
  std::map<std::uint32_t, std::unique_ptr<File>> fids_;
  std::uint32_t message_size_ = 0;  // as agreed by Tversion; 0: no session
};

}  // namespace nebulet::ninep
