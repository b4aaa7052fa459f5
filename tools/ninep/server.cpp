// SPDX-License-Identifier: MIT
// The messages of 9P2000.L. Each function reads all fields of its message first and answers EPROTO if they
// are not exactly there; only then it does something.
#include "tools/ninep/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "tools/ninep/fid.h"

namespace nebulet::ninep {

/// One request that is being answered.
struct Server::Message {
  MessageType type;
  std::uint16_t tag;
  Reader in;
  Writer out;

  bool complete() const { return in.ok() && in.at_end(); }
};

namespace {

constexpr std::uint32_t kMinMessageSize = 4096;

/// A name is one component: not empty, not "." or "..", without a slash or NUL.
int check_name(std::string_view name) {
  if (name.size() > kMaxName) return ENAMETOOLONG;
  if (name.empty() || name == "." || name == "..") return EINVAL;
  if (name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos) return EINVAL;
  return 0;
}

}  // namespace

Server::Server(std::vector<Export> exports) : exports_(std::move(exports)) {}
Server::~Server() = default;

std::size_t Server::handle(std::span<const std::byte> request, std::span<std::byte> reply) {
  if (reply.size() < kMinReply) return 0;
  Reader in(request);
  const std::uint32_t size = in.u32();
  const auto type = static_cast<MessageType>(in.u8());
  const std::uint16_t tag = in.u16();
  if (message_size_ != 0) reply = reply.first(std::min<std::size_t>(reply.size(), message_size_));

  Error error = EPROTO;
  if (in.ok() && size == request.size()) {
    Message message{type, tag, in, Writer(reply, reply_to(type), tag)};
    error = dispatch(message);
    if (error == 0) {
      const auto done = message.out.finish();
      if (!done.empty()) return done.size();
      error = EMSGSIZE;
    }
  }
  Writer failure(reply, MessageType::rlerror, tag);
  failure.u32(static_cast<std::uint32_t>(error));
  return failure.finish().size();
}

Server::Error Server::dispatch(Message& message) {
  if (message.type == MessageType::tversion) return version(message);
  if (message_size_ == 0) return EPROTO;
  switch (message.type) {
    case MessageType::tattach: return attach(message);
    case MessageType::twalk: return walk(message);
    case MessageType::tlopen: return lopen(message);
    case MessageType::tlcreate: return lcreate(message);
    case MessageType::tread: return read(message);
    case MessageType::twrite: return write(message);
    case MessageType::treaddir: return readdir(message);
    case MessageType::tgetattr: return getattr(message);
    case MessageType::tsetattr: return setattr(message);
    case MessageType::treadlink: return readlink(message);
    case MessageType::tsymlink: return symlink(message);
    case MessageType::tlink: return link(message);
    case MessageType::tmkdir: return mkdir(message);
    case MessageType::trenameat: return renameat(message);
    case MessageType::tunlinkat: return unlinkat(message);
    case MessageType::tfsync: return fsync(message);
    case MessageType::tallocate: return allocate(message);
    case MessageType::tclunk: return clunk(message);
    case MessageType::tflush:
      // Requests are answered before the next one is taken, so there is never one to flush.
      message.in.u16();
      return message.complete() ? 0 : EPROTO;
    default: return EOPNOTSUPP;
  }
}

Fid* Server::find(std::uint32_t number) {
  const auto it = fids_.find(number);
  return it == fids_.end() ? nullptr : it->second.get();
}

Server::Error Server::insert(std::uint32_t number, std::unique_ptr<Fid> fid) {
  if (number == kNoFid) return EINVAL;
  if (fids_.size() >= kMaxFids) return EMFILE;
  return fids_.try_emplace(number, std::move(fid)).second ? 0 : EBADF;
}

Server::Error Server::version(Message& message) {
  const std::uint32_t size = message.in.u32();
  const std::string_view name = message.in.string();
  if (!message.complete()) return EPROTO;
  if (size < kMinMessageSize) return EMSGSIZE;
  // A new session: what an old one held is given back.
  fids_.clear();
  const bool known = name == kVersion;
  message_size_ = known ? std::min<std::uint32_t>(size, kMessageSize) : 0;
  message.out.u32(std::min<std::uint32_t>(size, kMessageSize));
  message.out.string(known ? kVersion : "unknown");
  return 0;
}

Server::Error Server::attach(Message& message) {
  const std::uint32_t number = message.in.u32();
  message.in.u32();     // afid: there is no authentication
  message.in.string();  // uname
  const std::string_view name = message.in.string();
  message.in.u32();  // n_uname
  if (!message.complete()) return EPROTO;
  if (number == kNoFid || find(number) != nullptr) return EBADF;
  const auto entry = std::ranges::find(exports_, name, &Export::guest_name);
  if (entry == exports_.end()) return ENOENT;
  std::unique_ptr<Fid> fid;
  if (const Error error = Fid::open_root(entry->host_path, fid); error != 0) return error;
  message.out.qid(fid->qid());
  return insert(number, std::move(fid));
}

Server::Error Server::walk(Message& message) {
  const std::uint32_t number = message.in.u32();
  const std::uint32_t new_number = message.in.u32();
  const std::uint16_t count = message.in.u16();
  if (count > kMaxWalk) return EINVAL;
  std::array<std::string, kMaxWalk> names;
  for (std::uint16_t i = 0; i < count; i++) {
    const std::string_view name = message.in.string();
    if (!message.in.ok()) return EPROTO;
    if (const Error error = check_name(name); error != 0) return error;
    names[i] = name;
  }
  if (!message.complete()) return EPROTO;
  Fid* from = find(number);
  if (from == nullptr || from->is_open()) return EBADF;
  if (new_number == kNoFid || (new_number != number && find(new_number) != nullptr)) return EBADF;

  std::unique_ptr<Fid> fid;
  if (const Error error = from->clone(fid); error != 0) return error;
  const std::size_t count_at = message.out.size();
  message.out.u16(0);
  std::uint16_t walked = 0;
  for (; walked < count; walked++) {
    std::unique_ptr<Fid> next;
    const Error error = fid->child(names[walked], next);
    if (error != 0 && walked == 0) return error;
    if (error != 0) break;
    fid = std::move(next);
    message.out.qid(fid->qid());
  }
  message.out.patch_u16(count_at, walked);
  // A walk that ends early tells how far it got, and makes no fid.
  if (walked < count) return 0;
  if (new_number == number) fids_.erase(number);
  return insert(new_number, std::move(fid));
}

Server::Error Server::lopen(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint32_t flags = message.in.u32();
  if (!message.complete()) return EPROTO;
  if (fid == nullptr) return EBADF;
  if (const Error error = fid->open(flags); error != 0) return error;
  message.out.qid(fid->qid());
  message.out.u32(0);
  return 0;
}

Server::Error Server::lcreate(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t flags = message.in.u32();
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // gid
  if (!message.complete()) return EPROTO;
  if (fid == nullptr) return EBADF;
  if (const Error error = check_name(name); error != 0) return error;
  if (const Error error = fid->create(name, flags, mode); error != 0) return error;
  message.out.qid(fid->qid());
  message.out.u32(0);
  return 0;
}

Server::Error Server::read(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint32_t count = message.in.u32();
  if (!message.complete()) return EPROTO;
  if (fid == nullptr || !fid->is_open()) return EBADF;
  if (fid->is_directory()) return EISDIR;
  if (offset > static_cast<std::uint64_t>(INT64_MAX)) return EINVAL;
  const std::size_t count_at = message.out.size();
  message.out.u32(0);
  const auto space = message.out.space();
  const ssize_t done = ::pread(fid->io_fd(), space.data(), std::min<std::size_t>(count, space.size()),
                               static_cast<off_t>(offset));
  if (done < 0) return errno;
  message.out.patch_u32(count_at, static_cast<std::uint32_t>(done));
  message.out.advance(static_cast<std::size_t>(done));
  return 0;
}

Server::Error Server::write(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const auto data = message.in.bytes(message.in.u32());
  if (!message.complete()) return EPROTO;
  if (fid == nullptr || !fid->is_open()) return EBADF;
  if (offset > static_cast<std::uint64_t>(INT64_MAX) && offset != kAtEnd) return EINVAL;
  const iovec piece = {const_cast<std::byte*>(data.data()), data.size()};
  const ssize_t done = offset == kAtEnd
                           ? ::pwritev2(fid->io_fd(), &piece, 1, 0, RWF_APPEND)
                           : ::pwrite(fid->io_fd(), data.data(), data.size(), static_cast<off_t>(offset));
  if (done < 0) return errno;
  message.out.u32(static_cast<std::uint32_t>(done));
  return 0;
}

Server::Error Server::readdir(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint32_t count = message.in.u32();
  if (!message.complete()) return EPROTO;
  if (fid == nullptr || !fid->is_open()) return EBADF;
  if (!fid->is_directory()) return ENOTDIR;
  if (offset > static_cast<std::uint64_t>(INT64_MAX)) return EINVAL;
  if (::lseek(fid->io_fd(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno;

  const std::size_t count_at = message.out.size();
  message.out.u32(0);
  const std::size_t start = message.out.size();
  const std::size_t limit = std::min<std::size_t>(count, message.out.space().size());
  alignas(dirent64) std::array<std::byte, 16384> batch;
  while (true) {
    const long length = ::syscall(SYS_getdents64, fid->io_fd(), batch.data(), batch.size());
    if (length < 0) return errno;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(batch.data() + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      constexpr std::size_t kFixedSize = 13 + 8 + 1 + 2;
      if (message.out.size() - start + kFixedSize + name.size() > limit) {
        // The client must not take one entry that does not fit for the end of the directory.
        if (message.out.size() == start) return EINVAL;
        message.out.patch_u32(count_at, static_cast<std::uint32_t>(message.out.size() - start));
        return 0;
      }
      Qid qid;
      if (entry->d_type == DT_DIR) qid.type = kQidDirectory;
      if (entry->d_type == DT_LNK) qid.type = kQidSymlink;
      // What is above the directory is nobody's business here.
      qid.path = name == ".." ? fid->qid().path : entry->d_ino;
      message.out.qid(qid);
      message.out.u64(static_cast<std::uint64_t>(entry->d_off));
      message.out.u8(entry->d_type);
      message.out.string(name);
    }
    if (length == 0) break;
  }
  message.out.patch_u32(count_at, static_cast<std::uint32_t>(message.out.size() - start));
  return 0;
}

Server::Error Server::getattr(Message& message) {
  Fid* fid = find(message.in.u32());
  message.in.u64();  // all are given, whatever is asked for
  if (!message.complete()) return EPROTO;
  if (fid == nullptr) return EBADF;
  struct stat status;
  if (const Error error = fid->stat(status); error != 0) return error;
  Writer& out = message.out;
  out.u64(kAttrBasic);
  out.qid(fid->qid());
  out.u32(status.st_mode);
  out.u32(status.st_uid);
  out.u32(status.st_gid);
  out.u64(status.st_nlink);
  out.u64(status.st_rdev);
  out.u64(static_cast<std::uint64_t>(status.st_size));
  out.u64(static_cast<std::uint64_t>(status.st_blksize));
  out.u64(static_cast<std::uint64_t>(status.st_blocks));
  for (const timespec& time : {status.st_atim, status.st_mtim, status.st_ctim, timespec{}}) {
    out.u64(static_cast<std::uint64_t>(time.tv_sec));
    out.u64(static_cast<std::uint64_t>(time.tv_nsec));
  }
  out.u64(0);  // generation
  out.u64(file_system_number(status.st_dev));
  return 0;
}

std::uint64_t Server::file_system_number(std::uint64_t device) {
  const auto index = std::ranges::find(devices_, device) - devices_.begin();
  if (index == std::ssize(devices_)) devices_.push_back(device);
  return static_cast<std::uint64_t>(index) + 1;
}

Server::Error Server::setattr(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint32_t valid = message.in.u32();
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // uid
  message.in.u32();  // gid
  const std::uint64_t size = message.in.u64();
  struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  const std::uint32_t set[2] = {kSetAtime, kSetMtime};
  const std::uint32_t set_to[2] = {kSetAtimeTo, kSetMtimeTo};
  for (int i = 0; i < 2; i++) {
    const std::uint64_t seconds = message.in.u64();
    const std::uint64_t nanoseconds = message.in.u64();
    if ((valid & set[i]) == 0) continue;
    if ((valid & set_to[i]) == 0) {
      times[i].tv_nsec = UTIME_NOW;
      continue;
    }
    if (nanoseconds >= 1'000'000'000 || seconds > static_cast<std::uint64_t>(INT64_MAX)) return EINVAL;
    times[i] = {.tv_sec = static_cast<time_t>(seconds), .tv_nsec = static_cast<long>(nanoseconds)};
  }
  if (!message.complete()) return EPROTO;
  if (fid == nullptr) return EBADF;
  if ((valid & (kSetUid | kSetGid)) != 0) return EPERM;
  if ((valid & kSetMode) != 0)
    if (const Error error = fid->set_mode(mode); error != 0) return error;
  if ((valid & kSetSize) != 0)
    if (const Error error = fid->set_size(size); error != 0) return error;
  if ((valid & (kSetAtime | kSetMtime)) != 0) return fid->set_times(times);
  return 0;
}

Server::Error Server::readlink(Message& message) {
  Fid* fid = find(message.in.u32());
  if (!message.complete()) return EPROTO;
  if (fid == nullptr) return EBADF;
  std::string target;
  if (const Error error = fid->read_link(target); error != 0) return error;
  message.out.string(target);
  return 0;
}

Server::Error Server::symlink(Message& message) {
  Fid* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::string target(message.in.string());
  message.in.u32();  // gid
  if (!message.complete()) return EPROTO;
  if (directory == nullptr) return EBADF;
  if (const Error error = check_name(name); error != 0) return error;
  if (target.empty() || target.size() > kMaxPath || target.find('\0') != std::string::npos) return EINVAL;
  if (::symlinkat(target.c_str(), directory->path_fd(), name.c_str()) != 0) return errno;
  std::unique_ptr<Fid> link;
  if (const Error error = directory->child(name, link); error != 0) return error;
  message.out.qid(link->qid());
  return 0;
}

Server::Error Server::link(Message& message) {
  Fid* directory = find(message.in.u32());
  Fid* file = find(message.in.u32());
  const std::string name(message.in.string());
  if (!message.complete()) return EPROTO;
  if (directory == nullptr || file == nullptr) return EBADF;
  if (const Error error = check_name(name); error != 0) return error;
  if (file->is_directory()) return EPERM;
  // The link in /proc leads to the very file, even if that is a symbolic link itself.
  if (::linkat(AT_FDCWD, file->magic_path().c_str(), directory->path_fd(), name.c_str(), AT_SYMLINK_FOLLOW) !=
      0)
    return errno;
  return 0;
}

Server::Error Server::mkdir(Message& message) {
  Fid* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // gid
  if (!message.complete()) return EPROTO;
  if (directory == nullptr) return EBADF;
  if (const Error error = check_name(name); error != 0) return error;
  if (::mkdirat(directory->path_fd(), name.c_str(), mode & 0777) != 0) return errno;
  std::unique_ptr<Fid> created;
  if (const Error error = directory->child(name, created); error != 0) return error;
  message.out.qid(created->qid());
  return 0;
}

Server::Error Server::renameat(Message& message) {
  Fid* from_directory = find(message.in.u32());
  const std::string from(message.in.string());
  Fid* to_directory = find(message.in.u32());
  const std::string to(message.in.string());
  if (!message.complete()) return EPROTO;
  if (from_directory == nullptr || to_directory == nullptr) return EBADF;
  if (const Error error = check_name(from); error != 0) return error;
  if (const Error error = check_name(to); error != 0) return error;
  return ::renameat(from_directory->path_fd(), from.c_str(), to_directory->path_fd(), to.c_str()) == 0
             ? 0
             : errno;
}

Server::Error Server::unlinkat(Message& message) {
  Fid* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t flags = message.in.u32();
  if (!message.complete()) return EPROTO;
  if (directory == nullptr) return EBADF;
  if (const Error error = check_name(name); error != 0) return error;
  if ((flags & ~kRemoveDirectory) != 0) return EINVAL;
  const int host_flags = flags == kRemoveDirectory ? AT_REMOVEDIR : 0;
  return ::unlinkat(directory->path_fd(), name.c_str(), host_flags) == 0 ? 0 : errno;
}

Server::Error Server::fsync(Message& message) {
  Fid* fid = find(message.in.u32());
  // Linux added this field to the message later; it says that metadata need not be written.
  const bool data_only = message.in.remaining() != 0 && message.in.u32() != 0;
  if (!message.complete()) return EPROTO;
  if (fid == nullptr || !fid->is_open()) return EBADF;
  return (data_only ? ::fdatasync(fid->io_fd()) : ::fsync(fid->io_fd())) == 0 ? 0 : errno;
}

Server::Error Server::allocate(Message& message) {
  Fid* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint64_t length = message.in.u64();
  if (!message.complete()) return EPROTO;
  if (fid == nullptr || !fid->is_open()) return EBADF;
  return fid->allocate(offset, length);
}

Server::Error Server::clunk(Message& message) {
  const std::uint32_t number = message.in.u32();
  if (!message.complete()) return EPROTO;
  return fids_.erase(number) != 0 ? 0 : EBADF;
}

}  // namespace nebulet::ninep
