// SPDX-License-Identifier: MIT
// Reading ahead: a program that reads a file in small pieces gets most of them from one larger message. The
// bytes are given out only as long as the process cannot know that they are old: it has heard nothing since,
// by any message, pipe or poll_oneoff of any thread. So its reads are as if all had been made when the first
// was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/wasi/caller.h"
#include "user/wasi/files.h"

namespace nebulet::wasi {

/// Reads `count` bytes from `offset` on, as many as the vectors have left, with no reading ahead. Stops at
/// the end of the file, which a server tells by fewer bytes than it was asked for, or after an error when
/// something was read before it.
Result<std::uint32_t> read_file(files::Fid fid, std::uint64_t offset, std::uint32_t count, Vectors& vectors);

/// The process has heard something from outside.
void forget_read_ahead();

/// Of a descriptor, for calls that have its turn.
class ReadAhead {
 public:
  /// Reads what follows `offset` into what the vectors describe: all of it, or less at the end of the file.
  Result<std::uint32_t> read(files::Fid fid, std::uint64_t offset, Vectors& vectors);

 private:
  static constexpr std::uint32_t kLarge = 16 << 10,
                                 kMost = 64 << 10;  // reads; and what is read for small ones
  static constexpr std::uint64_t kLifetime = 20'000'000;

  bool is_fresh(std::uint64_t offset) const;
  /// Asks for more than `count` bytes and keeps what is more.
  Result<std::uint32_t> fetch(files::Fid fid, std::uint64_t offset, std::uint32_t count, Vectors& vectors);

  std::vector<std::byte> bytes_;
  std::size_t used_ = 0;
  std::uint64_t heard_ = 0, time_ = 0;  // when they were read
  std::uint64_t next_ = 0;              // where the last read ended: a read there goes on
  std::uint32_t size_ = 0;              // how much to ask for
};

}  // namespace nebulet::wasi
