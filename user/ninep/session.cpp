// SPDX-License-Identifier: MIT
// The messages of 9P2000.L. Each function reads all fields of its message first and answers errors::proto if
// they are not exactly there; only then it does something.
#include "user/ninep/session.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace nebulet::ninep {

/// One request that is being answered.
struct Session::Message {
  MessageType type;
  std::uint16_t tag;
  Reader in;
  Writer out;

  bool complete() const { return in.ok() && in.at_end(); }
};

namespace {

constexpr std::uint32_t kMinMessageSize = 4096;
constexpr std::uint64_t kMaxOffset = INT64_MAX;

/// A name is one component: not empty, not "." or "..", without a slash or NUL.
int check_name(std::string_view name) {
  if (name.size() > kMaxName) return errors::nametoolong;
  if (name.empty() || name == "." || name == "..") return errors::inval;
  if (name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos)
    return errors::inval;
  return 0;
}

}  // namespace

std::size_t Session::handle(std::span<const std::byte> request, std::span<std::byte> reply) {
  std::size_t done = 0;
  do {
    const auto message = first_message(request);
    const std::size_t length = handle_one(message, reply.subspan(done));
    if (length == 0) break;
    done += length;
    request = request.subspan(message.size());
  } while (!request.empty());
  return done;
}

std::size_t Session::handle_one(std::span<const std::byte> request, std::span<std::byte> reply) {
  if (reply.size() < kMinReply) return 0;
  Reader in(request);
  const std::uint32_t size = in.u32();
  const auto type = static_cast<MessageType>(in.u8());
  const std::uint16_t tag = in.u16();
  if (message_size_ != 0) reply = reply.first(std::min<std::size_t>(reply.size(), message_size_));

  Error error = errors::proto;
  if (in.ok() && size == request.size()) {
    Message message{type, tag, in, Writer(reply, reply_to(type), tag)};
    error = dispatch(message);
    if (error == 0) {
      const auto done = message.out.finish();
      if (!done.empty()) return done.size();
      error = errors::msgsize;
    }
  }
  Writer failure(reply, MessageType::rlerror, tag);
  failure.u32(static_cast<std::uint32_t>(error));
  return failure.finish().size();
}

Error Session::dispatch(Message& message) {
  if (message.type == MessageType::tversion) return version(message);
  if (message_size_ == 0) return errors::proto;
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
      return message.complete() ? 0 : errors::proto;
    default: return errors::opnotsupp;
  }
}

File* Session::find(std::uint32_t number) {
  const auto it = fids_.find(number);
  return it == fids_.end() ? nullptr : it->second.get();
}

Error Session::insert(std::uint32_t number, std::unique_ptr<File> fid) {
  if (number == kNoFid) return errors::inval;
  if (fids_.size() >= kMaxFids) return errors::mfile;
  return fids_.try_emplace(number, std::move(fid)).second ? 0 : errors::badf;
}

Error Session::version(Message& message) {
  const std::uint32_t size = message.in.u32();
  const std::string_view name = message.in.string();
  if (!message.complete()) return errors::proto;
  if (size < kMinMessageSize) return errors::msgsize;
  // A new session: what an old one held is given back.
  fids_.clear();
  const bool known = name == kVersion;
  message_size_ = known ? std::min<std::uint32_t>(size, kMessageSize) : 0;
  message.out.u32(std::min<std::uint32_t>(size, kMessageSize));
  message.out.string(known ? kVersion : "unknown");
  return 0;
}

Error Session::attach(Message& message) {
  const std::uint32_t number = message.in.u32();
  message.in.u32();     // afid: there is no authentication
  message.in.string();  // uname
  const std::string_view name = message.in.string();
  message.in.u32();  // n_uname
  if (!message.complete()) return errors::proto;
  if (number == kNoFid || find(number) != nullptr) return errors::badf;
  std::unique_ptr<File> fid;
  if (const Error error = files_.attach(name, fid); error != 0) return error;
  message.out.qid(fid->qid());
  return insert(number, std::move(fid));
}

Error Session::walk(Message& message) {
  const std::uint32_t number = message.in.u32();
  const std::uint32_t new_number = message.in.u32();
  const std::uint16_t count = message.in.u16();
  if (count > kMaxWalk) return errors::inval;
  std::array<std::string, kMaxWalk> names;
  for (std::uint16_t i = 0; i < count; i++) {
    const std::string_view name = message.in.string();
    if (!message.in.ok()) return errors::proto;
    if (const Error error = check_name(name); error != 0) return error;
    names[i] = name;
  }
  if (!message.complete()) return errors::proto;
  File* from = find(number);
  if (from == nullptr || from->is_open()) return errors::badf;
  if (new_number == kNoFid || (new_number != number && find(new_number) != nullptr)) return errors::badf;

  std::unique_ptr<File> fid;
  if (const Error error = from->clone(fid); error != 0) return error;
  const std::size_t count_at = message.out.size();
  message.out.u16(0);
  std::uint16_t walked = 0;
  for (; walked < count; walked++) {
    std::unique_ptr<File> next;
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

Error Session::lopen(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint32_t flags = message.in.u32();
  if (!message.complete()) return errors::proto;
  if (fid == nullptr) return errors::badf;
  if (const Error error = fid->open(flags); error != 0) return error;
  message.out.qid(fid->qid());
  message.out.u32(0);
  return 0;
}

Error Session::lcreate(Message& message) {
  File* fid = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t flags = message.in.u32();
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // gid
  if (!message.complete()) return errors::proto;
  if (fid == nullptr) return errors::badf;
  if (const Error error = check_name(name); error != 0) return error;
  if (const Error error = fid->create(name, flags, mode); error != 0) return error;
  message.out.qid(fid->qid());
  message.out.u32(0);
  return 0;
}

Error Session::read(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint32_t count = message.in.u32();
  if (!message.complete()) return errors::proto;
  if (fid == nullptr || !fid->is_open()) return errors::badf;
  if (fid->qid().is_directory()) return errors::isdir;
  if (offset > kMaxOffset) return errors::inval;
  const std::size_t count_at = message.out.size();
  message.out.u32(0);
  const auto space = message.out.space();
  std::size_t done = 0;
  if (const Error error = fid->read(offset, space.first(std::min<std::size_t>(count, space.size())), done);
      error != 0)
    return error;
  message.out.patch_u32(count_at, static_cast<std::uint32_t>(done));
  message.out.advance(done);
  return 0;
}

Error Session::write(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const auto data = message.in.bytes(message.in.u32());
  if (!message.complete()) return errors::proto;
  if (fid == nullptr || !fid->is_open()) return errors::badf;
  if (offset > kMaxOffset && offset != kAtEnd) return errors::inval;
  std::size_t done = 0;
  if (const Error error = fid->write(offset, data, done); error != 0) return error;
  message.out.u32(static_cast<std::uint32_t>(done));
  return 0;
}

Error Session::readdir(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint32_t count = message.in.u32();
  if (!message.complete()) return errors::proto;
  if (fid == nullptr || !fid->is_open()) return errors::badf;
  if (!fid->qid().is_directory()) return errors::notdir;
  if (offset > kMaxOffset) return errors::inval;
  const std::size_t count_at = message.out.size();
  message.out.u32(0);
  const std::size_t start = message.out.size();
  const std::size_t limit = std::min<std::size_t>(count, message.out.space().size());
  bool fits = true;
  const Error error = fid->list(offset, [&](const DirectoryEntry& entry) {
    constexpr std::size_t kFixedSize = 13 + 8 + 1 + 2;
    fits = message.out.size() - start + kFixedSize + entry.name.size() <= limit;
    if (!fits) return false;
    message.out.qid(entry.qid);
    message.out.u64(entry.next);
    message.out.u8(entry.type);
    message.out.string(entry.name);
    return true;
  });
  if (error != 0) return error;
  // The client must not take one entry that does not fit for the end of the directory.
  if (!fits && message.out.size() == start) return errors::inval;
  message.out.patch_u32(count_at, static_cast<std::uint32_t>(message.out.size() - start));
  return 0;
}

Error Session::getattr(Message& message) {
  File* fid = find(message.in.u32());
  message.in.u64();  // all are given, whatever is asked for
  if (!message.complete()) return errors::proto;
  if (fid == nullptr) return errors::badf;
  Attributes attributes;
  if (const Error error = fid->attributes(attributes); error != 0) return error;
  Writer& out = message.out;
  out.u64(kAttrBasic);
  out.qid(fid->qid());
  out.u32(attributes.mode);
  out.u32(attributes.uid);
  out.u32(attributes.gid);
  for (const std::uint64_t field :
       {attributes.link_count, attributes.device, attributes.size, attributes.block_size, attributes.blocks,
        attributes.atime_seconds, attributes.atime_nanoseconds, attributes.mtime_seconds,
        attributes.mtime_nanoseconds, attributes.ctime_seconds, attributes.ctime_nanoseconds,
        attributes.btime_seconds, attributes.btime_nanoseconds, attributes.generation,
        attributes.file_system})
    out.u64(field);
  return 0;
}

Error Session::setattr(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint32_t valid = message.in.u32();
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // uid
  message.in.u32();  // gid
  const std::uint64_t size = message.in.u64();
  TimeSetting times[2];
  const std::uint32_t set[2] = {kSetAtime, kSetMtime};
  const std::uint32_t set_to[2] = {kSetAtimeTo, kSetMtimeTo};
  for (int i = 0; i < 2; i++) {
    const std::uint64_t seconds = message.in.u64();
    const std::uint64_t nanoseconds = message.in.u64();
    if ((valid & set[i]) == 0) continue;
    if ((valid & set_to[i]) == 0) {
      times[i].kind = TimeSetting::Kind::now;
      continue;
    }
    if (nanoseconds >= 1'000'000'000 || seconds > kMaxOffset) return errors::inval;
    times[i] = {TimeSetting::Kind::set, seconds, static_cast<std::uint32_t>(nanoseconds)};
  }
  if (!message.complete()) return errors::proto;
  if (fid == nullptr) return errors::badf;
  if ((valid & (kSetUid | kSetGid)) != 0) return errors::perm;
  if ((valid & kSetMode) != 0)
    if (const Error error = fid->set_mode(mode); error != 0) return error;
  if ((valid & kSetSize) != 0)
    if (const Error error = fid->set_size(size); error != 0) return error;
  if ((valid & (kSetAtime | kSetMtime)) != 0) return fid->set_times(times[0], times[1]);
  return 0;
}

Error Session::readlink(Message& message) {
  File* fid = find(message.in.u32());
  if (!message.complete()) return errors::proto;
  if (fid == nullptr) return errors::badf;
  std::string target;
  if (const Error error = fid->read_link(target); error != 0) return error;
  message.out.string(target);
  return 0;
}

Error Session::symlink(Message& message) {
  File* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::string target(message.in.string());
  message.in.u32();  // gid
  if (!message.complete()) return errors::proto;
  if (directory == nullptr) return errors::badf;
  if (const Error error = check_name(name); error != 0) return error;
  if (target.empty() || target.size() > kMaxPath || target.find('\0') != std::string::npos)
    return errors::inval;
  if (const Error error = directory->make_symlink(name, target); error != 0) return error;
  std::unique_ptr<File> link;
  if (const Error error = directory->child(name, link); error != 0) return error;
  message.out.qid(link->qid());
  return 0;
}

Error Session::link(Message& message) {
  File* directory = find(message.in.u32());
  File* file = find(message.in.u32());
  const std::string name(message.in.string());
  if (!message.complete()) return errors::proto;
  if (directory == nullptr || file == nullptr) return errors::badf;
  if (const Error error = check_name(name); error != 0) return error;
  if (file->qid().is_directory()) return errors::perm;
  return directory->link(name, *file);
}

Error Session::mkdir(Message& message) {
  File* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t mode = message.in.u32();
  message.in.u32();  // gid
  if (!message.complete()) return errors::proto;
  if (directory == nullptr) return errors::badf;
  if (const Error error = check_name(name); error != 0) return error;
  if (const Error error = directory->make_directory(name, mode & 0777); error != 0) return error;
  std::unique_ptr<File> created;
  if (const Error error = directory->child(name, created); error != 0) return error;
  message.out.qid(created->qid());
  return 0;
}

Error Session::renameat(Message& message) {
  File* from_directory = find(message.in.u32());
  const std::string from(message.in.string());
  File* to_directory = find(message.in.u32());
  const std::string to(message.in.string());
  if (!message.complete()) return errors::proto;
  if (from_directory == nullptr || to_directory == nullptr) return errors::badf;
  if (const Error error = check_name(from); error != 0) return error;
  if (const Error error = check_name(to); error != 0) return error;
  return from_directory->rename(from, *to_directory, to);
}

Error Session::unlinkat(Message& message) {
  File* directory = find(message.in.u32());
  const std::string name(message.in.string());
  const std::uint32_t flags = message.in.u32();
  if (!message.complete()) return errors::proto;
  if (directory == nullptr) return errors::badf;
  if (const Error error = check_name(name); error != 0) return error;
  if ((flags & ~kRemoveDirectory) != 0) return errors::inval;
  return directory->remove(name, flags == kRemoveDirectory);
}

Error Session::fsync(Message& message) {
  File* fid = find(message.in.u32());
  // Linux added this field to the message later; it says that metadata need not be written.
  const bool data_only = message.in.remaining() != 0 && message.in.u32() != 0;
  if (!message.complete()) return errors::proto;
  if (fid == nullptr || !fid->is_open()) return errors::badf;
  return fid->sync(data_only);
}

Error Session::allocate(Message& message) {
  File* fid = find(message.in.u32());
  const std::uint64_t offset = message.in.u64();
  const std::uint64_t length = message.in.u64();
  if (!message.complete()) return errors::proto;
  if (fid == nullptr || !fid->is_open()) return errors::badf;
  return fid->allocate(offset, length);
}

Error Session::clunk(Message& message) {
  const std::uint32_t number = message.in.u32();
  if (!message.complete()) return errors::proto;
  return fids_.erase(number) != 0 ? 0 : errors::badf;
}

}  // namespace nebulet::ninep
