// SPDX-License-Identifier: MIT
// What a client holds: descriptors of the host.
#include "tools/ninep/host_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace nebulet::ninep {
namespace {

Qid qid_of(const struct stat& status) {
  Qid qid;
  if (S_ISDIR(status.st_mode)) qid.type = kQidDirectory;
  if (S_ISLNK(status.st_mode)) qid.type = kQidSymlink;
  qid.path = status.st_ino;
  return qid;
}

Error result_of(int returned) { return returned == 0 ? 0 : errno; }

timespec host_time(const TimeSetting& time) {
  switch (time.kind) {
    case TimeSetting::Kind::keep: return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
    case TimeSetting::Kind::now: return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
    case TimeSetting::Kind::set: break;
  }
  return {.tv_sec = static_cast<time_t>(time.seconds), .tv_nsec = static_cast<long>(time.nanoseconds)};
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error HostFiles::attach(std::string_view name, std::unique_ptr<File>& root) {
  const auto entry = std::ranges::find(exports_, name, &Export::guest_name);
  if (entry == exports_.end()) return ENOENT;
  return HostFile::adopt(
      *this, Descriptor(::open(entry->host_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), root);
}

std::uint64_t HostFiles::file_system_number(std::uint64_t device) {
  const auto index = std::ranges::find(devices_, device) - devices_.begin();
  if (index == std::ssize(devices_)) devices_.push_back(device);
  return static_cast<std::uint64_t>(index) + 1;
}

Error HostFile::adopt(HostFiles& files, Descriptor path, std::unique_ptr<File>& file) {
  if (!path) return errno;
  struct stat status;
  if (::fstat(path.get(), &status) != 0) return errno;
  std::unique_ptr<HostFile> adopted(new HostFile(files));
  adopted->path_ = std::move(path);
  adopted->mode_ = status.st_mode;
  adopted->qid_ = qid_of(status);
  file = std::move(adopted);
  return 0;
}

Error HostFile::child(const std::string& name, std::unique_ptr<File>& file) const {
  if (!is_directory()) return ENOTDIR;
  return adopt(*files_, Descriptor(::openat(path_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
               file);
}

Error HostFile::clone(std::unique_ptr<File>& file) const {
  return adopt(*files_, Descriptor(::fcntl(path_.get(), F_DUPFD_CLOEXEC, 0)), file);
}

std::string HostFile::magic_path() const { return "/proc/self/fd/" + std::to_string(path_.get()); }

Error HostFile::open(std::uint32_t flags) {
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

Error HostFile::create(const std::string& name, std::uint32_t flags, std::uint32_t mode) {
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
    std::unique_ptr<File> existing;
    if (const Error error = child(name, existing); error != 0) return error;
    if (const Error error = existing->open(flags); error != 0) return error;
    *this = std::move(static_cast<HostFile&>(*existing));
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

Error HostFile::read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) {
  const ssize_t count = ::pread(io_.get(), into.data(), into.size(), static_cast<off_t>(offset));
  if (count < 0) return errno;
  done = static_cast<std::size_t>(count);
  return 0;
}

Error HostFile::write(std::uint64_t offset, std::span<const std::byte> from, std::size_t& done) {
  const iovec piece = {const_cast<std::byte*>(from.data()), from.size()};
  const ssize_t count = offset == kAtEnd
                            ? ::pwritev2(io_.get(), &piece, 1, 0, RWF_APPEND)
                            : ::pwrite(io_.get(), from.data(), from.size(), static_cast<off_t>(offset));
  if (count < 0) return errno;
  done = static_cast<std::size_t>(count);
  return 0;
}

Error HostFile::list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) {
  if (::lseek(io_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno;
  alignas(dirent64) std::array<std::byte, 16384> batch;
  while (true) {
    const long length = ::syscall(SYS_getdents64, io_.get(), batch.data(), batch.size());
    if (length <= 0) return length < 0 ? errno : 0;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(batch.data() + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      Qid qid;
      if (entry->d_type == DT_DIR) qid.type = kQidDirectory;
      if (entry->d_type == DT_LNK) qid.type = kQidSymlink;
      // What is above the directory is nobody's business here.
      qid.path = name == ".." ? qid_.path : entry->d_ino;
      if (!take({qid, static_cast<std::uint64_t>(entry->d_off), entry->d_type, name})) return 0;
    }
  }
}

Error HostFile::sync(bool data_only) {
  return result_of(data_only ? ::fdatasync(io_.get()) : ::fsync(io_.get()));
}

Error HostFile::allocate(std::uint64_t offset, std::uint64_t length) {
  constexpr auto kMax = static_cast<std::uint64_t>(INT64_MAX);
  if (!is_file()) return is_directory() ? EISDIR : ENODEV;
  if (offset > kMax || length > kMax - offset) return EFBIG;
  return ::posix_fallocate(io_.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
}

Error HostFile::attributes(Attributes& into) {
  struct stat status;
  if (::fstat(path_.get(), &status) != 0) return errno;
  into.mode = status.st_mode;
  into.uid = status.st_uid;
  into.gid = status.st_gid;
  into.link_count = status.st_nlink;
  into.device = status.st_rdev;
  into.size = static_cast<std::uint64_t>(status.st_size);
  into.block_size = static_cast<std::uint64_t>(status.st_blksize);
  into.blocks = static_cast<std::uint64_t>(status.st_blocks);
  into.atime_seconds = static_cast<std::uint64_t>(status.st_atim.tv_sec);
  into.atime_nanoseconds = static_cast<std::uint64_t>(status.st_atim.tv_nsec);
  into.mtime_seconds = static_cast<std::uint64_t>(status.st_mtim.tv_sec);
  into.mtime_nanoseconds = static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  into.ctime_seconds = static_cast<std::uint64_t>(status.st_ctim.tv_sec);
  into.ctime_nanoseconds = static_cast<std::uint64_t>(status.st_ctim.tv_nsec);
  into.file_system = files_->file_system_number(status.st_dev);
  return 0;
}

Error HostFile::set_size(std::uint64_t size) {
  if (is_directory()) return EISDIR;
  if (!is_file()) return EINVAL;
  if (size > static_cast<std::uint64_t>(INT64_MAX)) return EFBIG;
  // A client that opened the file for writing keeps that right when the file's mode changes.
  if (io_ && ::ftruncate(io_.get(), static_cast<off_t>(size)) == 0) return 0;
  return result_of(::truncate(magic_path().c_str(), static_cast<off_t>(size)));
}

Error HostFile::set_mode(std::uint32_t mode) {
  if (is_symlink()) return EOPNOTSUPP;
  return result_of(::chmod(magic_path().c_str(), mode & 0777));
}

Error HostFile::set_times(const TimeSetting& atime, const TimeSetting& mtime) {
  const timespec times[2] = {host_time(atime), host_time(mtime)};
  if (::utimensat(path_.get(), "", times, AT_EMPTY_PATH) == 0) return 0;
  if (is_symlink() || (errno != EINVAL && errno != ENOENT)) return errno;
  return result_of(::utimensat(AT_FDCWD, magic_path().c_str(), times, 0));
}

Error HostFile::read_link(std::string& target) {
  if (!is_symlink()) return EINVAL;
  target.resize(PATH_MAX);
  const ssize_t length = ::readlinkat(path_.get(), "", target.data(), target.size());
  if (length < 0) return errno;
  target.resize(static_cast<std::size_t>(length));
  return 0;
}

Error HostFile::make_directory(const std::string& name, std::uint32_t mode) {
  return result_of(::mkdirat(path_.get(), name.c_str(), mode));
}

Error HostFile::make_symlink(const std::string& name, const std::string& target) {
  return result_of(::symlinkat(target.c_str(), path_.get(), name.c_str()));
}

Error HostFile::link(const std::string& name, File& file) {
  // The link in /proc leads to the very file, even if that is a symbolic link itself.
  return result_of(::linkat(AT_FDCWD, static_cast<HostFile&>(file).magic_path().c_str(), path_.get(),
                            name.c_str(), AT_SYMLINK_FOLLOW));
}

Error HostFile::rename(const std::string& from, File& to_directory, const std::string& to) {
  const int target = static_cast<HostFile&>(to_directory).path_.get();
  return result_of(::renameat(path_.get(), from.c_str(), target, to.c_str()));
}

Error HostFile::remove(const std::string& name, bool directory) {
  return result_of(::unlinkat(path_.get(), name.c_str(), directory ? AT_REMOVEDIR : 0));
}

}  // namespace nebulet::ninep
