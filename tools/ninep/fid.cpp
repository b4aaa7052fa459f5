// SPDX-License-Identifier: MIT
// What a client holds: descriptors of the host.
#include "tools/ninep/fid.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nebulet::ninep {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Qid qid_of(const struct stat& status) {
  Qid qid;
  if (S_ISDIR(status.st_mode)) qid.type = kQidDirectory;
  if (S_ISLNK(status.st_mode)) qid.type = kQidSymlink;
  qid.path = status.st_ino;
  return qid;
}

int Fid::adopt(Descriptor path, std::unique_ptr<Fid>& fid) {
  if (!path) return errno;
  struct stat status;
  if (::fstat(path.get(), &status) != 0) return errno;
  fid = std::make_unique<Fid>();
  fid->path_ = std::move(path);
  fid->mode_ = status.st_mode;
  fid->qid_ = qid_of(status);
  return 0;
}

int Fid::open_root(const std::string& path, std::unique_ptr<Fid>& fid) {
  return adopt(Descriptor(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), fid);
}

int Fid::child(const std::string& name, std::unique_ptr<Fid>& fid) const {
  if (!is_directory()) return ENOTDIR;
  return adopt(Descriptor(::openat(path_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)), fid);
}

int Fid::clone(std::unique_ptr<Fid>& fid) const {
  return adopt(Descriptor(::fcntl(path_.get(), F_DUPFD_CLOEXEC, 0)), fid);
}

std::string Fid::magic_path() const { return "/proc/self/fd/" + std::to_string(path_.get()); }

int Fid::open(std::uint32_t flags) {
  if (is_open()) return EBUSY;
  const std::uint32_t access = flags & kOpenAccessMask;
  if (access == kOpenAccessMask) return EINVAL;
  if (is_symlink()) return ELOOP;
  if (!is_directory() && !is_file()) return EACCES;
  if (is_directory() && access != kOpenRead) return EISDIR;
  if (!is_directory() && (flags & kOpenDirectory) != 0) return ENOTDIR;
  const int host_flags = static_cast<int>(access) | O_CLOEXEC | O_NOCTTY |
                         (is_directory() ? O_DIRECTORY : 0) |
                         ((flags & kOpenTruncate) != 0 && access != kOpenRead ? O_TRUNC : 0);
  io_ = Descriptor(::open(magic_path().c_str(), host_flags));
  return io_ ? 0 : errno;
}

int Fid::create(const std::string& name, std::uint32_t flags, std::uint32_t mode) {
  if (is_open()) return EBUSY;
  if (!is_directory()) return ENOTDIR;
  const std::uint32_t access = flags & kOpenAccessMask;
  if (access == kOpenAccessMask) return EINVAL;
  // An existing file may be anything, so it is only ever created here; Tlcreate of an existing one walks and
  // opens.
  Descriptor io(::openat(path_.get(), name.c_str(),
                         static_cast<int>(access) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                         mode & 0777));
  if (!io && errno == EEXIST && (flags & kOpenExclusive) == 0) {
    std::unique_ptr<Fid> existing;
    if (const int error = child(name, existing); error != 0) return error;
    if (const int error = existing->open(flags); error != 0) return error;
    *this = std::move(*existing);
    return 0;
  }
  if (!io) return errno;
  struct stat status;
  if (::fstat(io.get(), &status) != 0) return errno;
  Descriptor path(::open(("/proc/self/fd/" + std::to_string(io.get())).c_str(), O_PATH | O_CLOEXEC));
  if (!path) return errno;
  path_ = std::move(path);
  io_ = std::move(io);
  mode_ = status.st_mode;
  qid_ = qid_of(status);
  return 0;
}

int Fid::stat(struct stat& into) const { return ::fstat(path_.get(), &into) == 0 ? 0 : errno; }

int Fid::set_size(std::uint64_t size) const {
  if (is_directory()) return EISDIR;
  if (!is_file()) return EINVAL;
  if (size > static_cast<std::uint64_t>(INT64_MAX)) return EFBIG;
  // A client that opened the file for writing keeps that right when the file's mode changes.
  if (io_ && ::ftruncate(io_.get(), static_cast<off_t>(size)) == 0) return 0;
  return ::truncate(magic_path().c_str(), static_cast<off_t>(size)) == 0 ? 0 : errno;
}

int Fid::allocate(std::uint64_t offset, std::uint64_t length) const {
  constexpr auto kMax = static_cast<std::uint64_t>(INT64_MAX);
  if (!is_file()) return is_directory() ? EISDIR : ENODEV;
  if (offset > kMax || length > kMax - offset) return EFBIG;
  return ::posix_fallocate(io_.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
}

int Fid::set_mode(std::uint32_t mode) const {
  if (is_symlink()) return EOPNOTSUPP;
  return ::chmod(magic_path().c_str(), mode & 0777) == 0 ? 0 : errno;
}

int Fid::set_times(const struct timespec (&times)[2]) const {
  if (::utimensat(path_.get(), "", times, AT_EMPTY_PATH) == 0) return 0;
  if (is_symlink() || (errno != EINVAL && errno != ENOENT)) return errno;
  return ::utimensat(AT_FDCWD, magic_path().c_str(), times, 0) == 0 ? 0 : errno;
}

int Fid::read_link(std::string& target) const {
  if (!is_symlink()) return EINVAL;
  target.resize(PATH_MAX);
  const ssize_t length = ::readlinkat(path_.get(), "", target.data(), target.size());
  if (length < 0) return errno;
  target.resize(static_cast<std::size_t>(length));
  return 0;
}

}  // namespace nebulet::ninep
