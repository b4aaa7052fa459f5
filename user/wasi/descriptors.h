// SPDX-License-Identifier: MIT
// The table of file descriptors: what each number names, with which rights.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "user/wasi/entry.h"
#include "user/wasi/files.h"
#include "user/wasi/pipe.h"
#include "user/wasi/read_ahead.h"
#include "user/wasi/types.h"

namespace nebulet::wasi {

struct Descriptor {
  enum class Kind : std::uint8_t { pipe, file, directory };

  Kind kind = Kind::pipe;
  std::uint16_t flags = 0;
  std::int32_t preopen = -1;  // index of its name in the start-up block
  Rights base = 0;
  Rights inheriting = 0;
  std::shared_ptr<Pipe> pipe;
  bool is_terminal = false;  // pipes
  Turn turn;                 // of calls that use the position, attach or list: those wait for each other
  std::uint64_t offset = 0;  // files
  ReadAhead ahead;           // files
  files::OwnedFid fid;       // files and directories; preopened directories are attached by their first use
  files::OwnedFid
      listing;  // directories: open for reading since the first fd_readdir, while `fid` stays fit for walks
};

/// Of a call too: what it uses stays open until its end, also when another thread closes the descriptor.
using DescriptorRef = std::shared_ptr<Descriptor>;

/// The descriptors of the process. 0, 1 and 2 are what the start-up block says, the preopened directories
/// follow.
class Descriptors {
 public:
  static constexpr std::uint32_t kLimit = 4096;

  static Descriptors& get();

  /// The open descriptor `fd`, or `badf`.
  Result<DescriptorRef> find(std::uint32_t fd);
  /// The same, and all of `needed` must be among its rights. Without kFdRead or kFdWrite it is `badf` as in
  /// POSIX, else `notcapable`.
  Result<DescriptorRef> find(std::uint32_t fd, Rights needed);
  /// A directory with these rights, attached.
  Result<DescriptorRef> directory(std::uint32_t fd, Rights needed);
  /// Sees to it that the descriptor has a fid.
  Result<> attach(Descriptor& descriptor);
  /// The fid of a directory that is open for reading.
  Result<files::Fid> listing(Descriptor& directory);

  /// Puts it at the lowest free number.
  Result<std::uint32_t> insert(DescriptorRef descriptor);
  Result<> close(std::uint32_t fd);
  Result<> renumber(std::uint32_t from, std::uint32_t to);

 private:
  Descriptors();

  std::vector<DescriptorRef> table_;  // null: closed
};

}  // namespace nebulet::wasi
