// SPDX-License-Identifier: MIT
// What a file system is to the server of 9P2000.L (user/ninep/session.h): files that know nothing of
// messages. Functions return 0 or an error of the protocol, which is Linux's number (user/sdk/ninep.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "user/sdk/ninep.h"

namespace nebulet::ninep {

using Error = int;

/// A time to set: none, the present, or this one.
struct TimeSetting {
  enum class Kind : std::uint8_t { keep, now, set };
  Kind kind = Kind::keep;
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct DirectoryEntry {
  Qid qid;
  std::uint64_t next;  // the offset behind it
  std::uint8_t type;   // DT_… of Linux
  std::string_view name;
};

/// A file or directory that a client holds: one fid. Names are single components, neither "." nor ".."; no
/// function follows a symbolic link. Arguments that are files are of the same file system.
class File {
 public:
  virtual ~File() = default;

  virtual Qid qid() const = 0;
  virtual bool is_open() const = 0;

  virtual Error clone(std::unique_ptr<File>& file) const = 0;
  /// What `name` is in this directory.
  virtual Error child(const std::string& name, std::unique_ptr<File>& file) const = 0;

  /// `flags` as in Tlopen.
  virtual Error open(std::uint32_t flags) = 0;
  /// Creates `name` in this directory and opens it; this then is the new file.
  virtual Error create(const std::string& name, std::uint32_t flags, std::uint32_t mode) = 0;

  // Of open files. `done` is how many bytes.
  virtual Error read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) = 0;
  /// `offset` may be kAtEnd.
  virtual Error write(std::uint64_t offset, std::span<const std::byte> from, std::size_t& done) = 0;
  /// Calls `take` for the entries from `offset` on until it returns false.
  virtual Error list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) = 0;
  virtual Error sync(bool data_only) = 0;
  virtual Error allocate(std::uint64_t offset, std::uint64_t length) = 0;

  virtual Error attributes(Attributes& into) = 0;
  virtual Error set_mode(std::uint32_t mode) = 0;
  virtual Error set_size(std::uint64_t size) = 0;
  virtual Error set_times(const TimeSetting& atime, const TimeSetting& mtime) = 0;
  virtual Error read_link(std::string& target) = 0;

  // Of directories.
  virtual Error make_directory(const std::string& name, std::uint32_t mode) = 0;
  virtual Error make_symlink(const std::string& name, const std::string& target) = 0;
  virtual Error link(const std::string& name, File& file) = 0;
  virtual Error rename(const std::string& from, File& to_directory, const std::string& to) = 0;
  virtual Error remove(const std::string& name, bool directory) = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// The directory that is exported under `name`.
  virtual Error attach(std::string_view name, std::unique_ptr<File>& root) = 0;
};

}  // namespace nebulet::ninep
