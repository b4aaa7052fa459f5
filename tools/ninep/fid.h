// SPDX-License-Identifier: MIT
// A file or directory that a client holds. Everything is done relative to an open O_PATH descriptor, so that
// renaming or replacing what is above it cannot lead the client elsewhere. Functions return 0 or an errno.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "user/sdk/ninep.h"

namespace nebulet::ninep {

/// A descriptor of the host that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

class Fid {
 public:
  /// The directory at `path` on the host; links in it are followed, since the host's user wrote it.
  static int open_root(const std::string& path, std::unique_ptr<Fid>& fid);
  /// What `name` is in this directory; a link is not followed.
  int child(const std::string& name, std::unique_ptr<Fid>& fid) const;
  int clone(std::unique_ptr<Fid>& fid) const;

  bool is_directory() const { return S_ISDIR(mode_); }
  bool is_symlink() const { return S_ISLNK(mode_); }
  bool is_file() const { return S_ISREG(mode_); }
  const Qid& qid() const { return qid_; }

  /// For messages that name entries of a directory.
  int path_fd() const { return path_.get(); }
  /// The descriptor that data is read from and written to; negative before `open`.
  int io_fd() const { return io_.get(); }
  bool is_open() const { return static_cast<bool>(io_); }

  /// Opens for reading or writing (`flags` as in Tlopen). Only files and directories: to open a pipe could
  /// wait for ever, and devices are not files of the exported directory.
  int open(std::uint32_t flags);
  /// Creates `name` in this directory and opens it; the fid then is the new file.
  int create(const std::string& name, std::uint32_t flags, std::uint32_t mode);

  int stat(struct stat& into) const;
  int set_size(std::uint64_t size) const;
  int allocate(std::uint64_t offset, std::uint64_t length) const;
  int set_mode(std::uint32_t mode) const;
  int set_times(const struct timespec (&times)[2]) const;
  int read_link(std::string& target) const;
  /// A path of the host that names exactly this file.
  std::string magic_path() const;

 private:
  static int adopt(Descriptor path, std::unique_ptr<Fid>& fid);

  Descriptor path_;
  Descriptor io_;
  mode_t mode_ = 0;
  Qid qid_;
};

Qid qid_of(const struct stat& status);

}  // namespace nebulet::ninep
