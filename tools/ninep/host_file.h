// SPDX-License-Identifier: MIT
// Directories of the host as a file system of the 9P server. Everything is done relative to an open O_PATH
// descriptor, so that renaming or replacing what is above it cannot lead the client elsewhere.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "user/ninep/file.h"

namespace nebulet::ninep {

/// A directory of the host, and the name by which a client attaches to it.
struct Export {
  std::string host_path;
  std::string guest_name;
};

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

class HostFiles final : public FileSystem {
 public:
  explicit HostFiles(std::vector<Export> exports) : exports_(std::move(exports)) {}

  /// Links in the path of an export are followed, since the host's user wrote it.
  Error attach(std::string_view name, std::unique_ptr<File>& root) override;

  /// A number for a device of the host, the same each time.
  std::uint64_t file_system_number(std::uint64_t device);

 private:
  const std::vector<Export> exports_;
  std::vector<std::uint64_t> devices_;  // in the order in which the client came upon them
};

class HostFile final : public File {
 public:
  static Error adopt(HostFiles& files, Descriptor path, std::unique_ptr<File>& file);

  Qid qid() const override { return qid_; }
  bool is_open() const override { return static_cast<bool>(io_); }
  Error clone(std::unique_ptr<File>& file) const override;
  Error child(const std::string& name, std::unique_ptr<File>& file) const override;
  /// Only files and directories: to open a pipe could wait for ever, and devices are not files of the
  /// exported directory.
  Error open(std::uint32_t flags) override;
  Error create(const std::string& name, std::uint32_t flags, std::uint32_t mode) override;
  Error read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) override;
  Error write(std::uint64_t offset, std::span<const std::byte> from, std::size_t& done) override;
  Error list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) override;
  Error sync(bool data_only) override;
  Error allocate(std::uint64_t offset, std::uint64_t length) override;
  Error attributes(Attributes& into) override;
  Error set_mode(std::uint32_t mode) override;
  Error set_size(std::uint64_t size) override;
  Error set_times(const TimeSetting& atime, const TimeSetting& mtime) override;
  Error read_link(std::string& target) override;
  Error make_directory(const std::string& name, std::uint32_t mode) override;
  Error make_symlink(const std::string& name, const std::string& target) override;
  Error link(const std::string& name, File& file) override;
  Error rename(const std::string& from, File& to_directory, const std::string& to) override;
  Error remove(const std::string& name, bool directory) override;

 private:
  explicit HostFile(HostFiles& files) : files_(&files) {}

  bool is_directory() const { return S_ISDIR(mode_); }
  bool is_symlink() const { return S_ISLNK(mode_); }
  bool is_file() const { return S_ISREG(mode_); }
  /// A path of the host that names exactly this file.
  std::string magic_path() const;

  HostFiles* files_;
  Descriptor path_;  // for what names entries of a directory
  Descriptor io_;    // for data; none before it is open
  mode_t mode_ = 0;
  Qid qid_;
};

}  // namespace nebulet::ninep
