// SPDX-License-Identifier: MIT
// 9P2000.L messages, sent with the kernel call files_transact.
#include "user/wasi/files.h"

#include <algorithm>
#include <vector>

#include "abi/sdk/nebulet.h"
#include "base/result.h"
#include "user/wasi/startup.h"

namespace nebulet::wasi::files {
namespace {

using ninep::MessageType;
using ninep::Reader;
using ninep::Writer;

constexpr std::uint16_t kTag = 1;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;

constinit std::byte request_buffer[ninep::kMessageSize];
constinit std::byte reply_buffer[ninep::kMessageSize];
constinit std::uint32_t message_size = 0;  // as agreed with the server; 0: not yet

/// Numbers that no living fid has.
class FidNumbers {
 public:
  Fid take() {
    if (free_.empty()) return next_++;
    const Fid fid = free_.back();
    free_.pop_back();
    return fid;
  }
  void give_back(Fid fid) { free_.push_back(fid); }

 private:
  Fid next_ = 1;
  std::vector<Fid> free_;
};

FidNumbers& fid_numbers() {
  static auto* numbers = new FidNumbers;
  return *numbers;
}

Errno from_linux(std::uint32_t code) {
  switch (code) {
    case 1: return Errno::perm;
    case 2: return Errno::noent;
    case 4: return Errno::intr;
    case 6: return Errno::nxio;
    case 9: return Errno::badf;
    case 11: return Errno::again;
    case 12: return Errno::nomem;
    case 13: return Errno::acces;
    case 16: return Errno::busy;
    case 17: return Errno::exist;
    case 18: return Errno::xdev;
    case 19: return Errno::nodev;
    case 20: return Errno::notdir;
    case 21: return Errno::isdir;
    case 22: return Errno::inval;
    case 23: return Errno::nfile;
    case 24: return Errno::mfile;
    case 26: return Errno::txtbsy;
    case 27: return Errno::fbig;
    case 28: return Errno::nospc;
    case 29: return Errno::spipe;
    case 30: return Errno::rofs;
    case 31: return Errno::mlink;
    case 32: return Errno::pipe;
    case 34: return Errno::range;
    case 36: return Errno::nametoolong;
    case 38: return Errno::nosys;
    case 39: return Errno::notempty;
    case 40: return Errno::loop;
    case 75: return Errno::overflow;
    case 84: return Errno::ilseq;
    case 95: return Errno::notsup;
    case 110: return Errno::timedout;
    case 116: return Errno::stale;
    case 122: return Errno::dquot;
    default: return Errno::io;
  }
}

Writer request(MessageType type) {
  return Writer(request_buffer, type, type == MessageType::tversion ? ninep::kNoTag : kTag);
}

/// Sends the message and returns a reader behind the reply's header.
Result<Reader> transact(Writer& writer) {
  const auto message = writer.finish();
  if (message.empty()) return fail(Errno::nametoolong);
  const int64_t length = nb_files_transact(Startup::get().files, message.data(), message.size(), reply_buffer,
                                           sizeof reply_buffer);
  if (length == NB_STATUS_NOT_SUPPORTED || length == NB_STATUS_BAD_HANDLE) return fail(Errno::nodev);
  if (length < static_cast<int64_t>(ninep::kHeaderSize) || length > static_cast<int64_t>(sizeof reply_buffer))
    return fail(Errno::io);
  Reader reader(std::span(reply_buffer).first(static_cast<std::size_t>(length)));
  const std::uint32_t size = reader.u32();
  const auto type = static_cast<MessageType>(reader.u8());
  reader.u16();
  if (size != length) return fail(Errno::io);
  if (type == MessageType::rlerror) return fail(from_linux(reader.u32()));
  const auto requested = static_cast<MessageType>(message[4]);
  if (type != ninep::reply_to(requested)) return fail(Errno::io);
  return reader;
}

/// For messages whose reply has nothing that matters.
Result<> transact_only(Writer& writer) {
  TRY(transact(writer));
  return {};
}

Result<> agree_version() {
  if (message_size != 0) return {};
  Writer writer = request(MessageType::tversion);
  writer.u32(ninep::kMessageSize);
  writer.string(ninep::kVersion);
  Reader reply = TRY(transact(writer));
  const std::uint32_t size = reply.u32();
  const bool same = reply.string() == ninep::kVersion;
  if (!reply.ok() || !same || size < 4096 || size > ninep::kMessageSize) return fail(Errno::io);
  message_size = size;
  return {};
}

}  // namespace

OwnedFid::~OwnedFid() {
  if (!*this) return;
  Writer writer = request(MessageType::tclunk);
  writer.u32(fid_);
  (void)transact(writer);
  fid_numbers().give_back(fid_);
}

Result<Target> attach(std::string_view name) {
  TRY(agree_version());
  const Fid fid = fid_numbers().take();
  Writer writer = request(MessageType::tattach);
  writer.u32(fid);
  writer.u32(ninep::kNoFid);
  writer.string("");
  writer.string(name);
  writer.u32(0);
  auto reply = transact(writer);
  if (!reply) {
    fid_numbers().give_back(fid);
    return fail(reply.error());
  }
  return Target{OwnedFid(fid), reply->qid()};
}

Result<Target> walk(Fid from, std::span<const std::string_view> names) {
  const Fid fid = fid_numbers().take();
  Writer writer = request(MessageType::twalk);
  writer.u32(from);
  writer.u32(fid);
  writer.u16(static_cast<std::uint16_t>(names.size()));
  for (const auto name : names) writer.string(name);
  auto reply = transact(writer);
  ninep::Qid qid{.type = ninep::kQidDirectory};
  if (reply) {
    const std::size_t count = reply->u16();
    for (std::size_t i = 0; i < count; i++) qid = reply->qid();
    if (count == names.size() && reply->ok()) return Target{OwnedFid(fid), qid};
  }
  fid_numbers().give_back(fid);
  return fail(reply ? Errno::notdir : reply.error());
}

Result<Target> walk(Fid from, std::string_view name) { return walk(from, std::span(&name, 1)); }

Result<> open(Fid fid, std::uint32_t flags) {
  Writer writer = request(MessageType::tlopen);
  writer.u32(fid);
  writer.u32(flags);
  return transact_only(writer);
}

Result<> create(Fid directory, std::string_view name, std::uint32_t flags, std::uint32_t mode) {
  Writer writer = request(MessageType::tlcreate);
  writer.u32(directory);
  writer.string(name);
  writer.u32(flags);
  writer.u32(mode);
  writer.u32(0);
  return transact_only(writer);
}

Result<std::span<const std::byte>> read(Fid fid, std::uint64_t offset, std::uint32_t count) {
  Writer writer = request(MessageType::tread);
  writer.u32(fid);
  writer.u64(offset);
  writer.u32(std::min<std::uint32_t>(count, message_size - ninep::kReadOverhead));
  Reader reply = TRY(transact(writer));
  const auto data = reply.bytes(reply.u32());
  if (!reply.ok() || data.size() > count) return fail(Errno::io);
  return data;
}

std::span<std::byte> write_buffer() {
  return std::span(request_buffer).first(message_size).subspan(ninep::kWriteOverhead);
}

Result<std::uint32_t> write(Fid fid, std::uint64_t offset, std::uint32_t count) {
  Writer writer = request(MessageType::twrite);
  writer.u32(fid);
  writer.u64(offset);
  writer.u32(count);
  writer.advance(count);
  Reader reply = TRY(transact(writer));
  const std::uint32_t written = reply.u32();
  if (!reply.ok() || written > count) return fail(Errno::io);
  return written;
}

Result<std::span<const std::byte>> read_directory(Fid fid, std::uint64_t offset) {
  Writer writer = request(MessageType::treaddir);
  writer.u32(fid);
  writer.u64(offset);
  writer.u32(message_size - static_cast<std::uint32_t>(ninep::kReadOverhead));
  Reader reply = TRY(transact(writer));
  const auto data = reply.bytes(reply.u32());
  if (!reply.ok()) return fail(Errno::io);
  return data;
}

Result<ninep::Attributes> attributes(Fid fid) {
  Writer writer = request(MessageType::tgetattr);
  writer.u32(fid);
  writer.u64(ninep::kAttrBasic);
  Reader reply = TRY(transact(writer));
  ninep::Attributes result;
  result.valid = reply.u64();
  result.qid = reply.qid();
  result.mode = reply.u32();
  result.uid = reply.u32();
  result.gid = reply.u32();
  for (auto* field :
       {&result.link_count, &result.device, &result.size, &result.block_size, &result.blocks,
        &result.atime_seconds, &result.atime_nanoseconds, &result.mtime_seconds, &result.mtime_nanoseconds,
        &result.ctime_seconds, &result.ctime_nanoseconds, &result.btime_seconds, &result.btime_nanoseconds,
        &result.generation, &result.file_system})
    *field = reply.u64();
  if (!reply.ok()) return fail(Errno::io);
  return result;
}

namespace {

Result<> set_attributes(Fid fid, std::uint32_t valid, std::uint64_t size, const TimeChange& times) {
  Writer writer = request(MessageType::tsetattr);
  writer.u32(fid);
  writer.u32(valid);
  writer.u32(0);  // mode
  writer.u32(0);  // uid
  writer.u32(0);  // gid
  writer.u64(size);
  writer.u64(times.atime / kNanoseconds);
  writer.u64(times.atime % kNanoseconds);
  writer.u64(times.mtime / kNanoseconds);
  writer.u64(times.mtime % kNanoseconds);
  return transact_only(writer);
}

}  // namespace

Result<> set_size(Fid fid, std::uint64_t size) { return set_attributes(fid, ninep::kSetSize, size, {}); }
Result<> set_times(Fid fid, const TimeChange& change) { return set_attributes(fid, change.valid, 0, change); }

Result<> allocate(Fid fid, std::uint64_t offset, std::uint64_t length) {
  Writer writer = request(MessageType::tallocate);
  writer.u32(fid);
  writer.u64(offset);
  writer.u64(length);
  return transact_only(writer);
}

Result<> sync(Fid fid, bool data_only) {
  Writer writer = request(MessageType::tfsync);
  writer.u32(fid);
  writer.u32(data_only ? 1 : 0);
  return transact_only(writer);
}

Result<std::string> read_link(Fid fid) {
  Writer writer = request(MessageType::treadlink);
  writer.u32(fid);
  Reader reply = TRY(transact(writer));
  std::string target(reply.string());
  if (!reply.ok()) return fail(Errno::io);
  return target;
}

Result<> make_directory(Fid directory, std::string_view name) {
  Writer writer = request(MessageType::tmkdir);
  writer.u32(directory);
  writer.string(name);
  writer.u32(0777);
  writer.u32(0);
  return transact_only(writer);
}

Result<> make_symlink(Fid directory, std::string_view name, std::string_view target) {
  Writer writer = request(MessageType::tsymlink);
  writer.u32(directory);
  writer.string(name);
  writer.string(target);
  writer.u32(0);
  return transact_only(writer);
}

Result<> link(Fid directory, std::string_view name, Fid file) {
  Writer writer = request(MessageType::tlink);
  writer.u32(directory);
  writer.u32(file);
  writer.string(name);
  return transact_only(writer);
}

Result<> rename(Fid from_directory, std::string_view from, Fid to_directory, std::string_view to) {
  Writer writer = request(MessageType::trenameat);
  writer.u32(from_directory);
  writer.string(from);
  writer.u32(to_directory);
  writer.string(to);
  return transact_only(writer);
}

Result<> remove(Fid directory, std::string_view name, std::uint32_t flags) {
  Writer writer = request(MessageType::tunlinkat);
  writer.u32(directory);
  writer.string(name);
  writer.u32(flags);
  return transact_only(writer);
}

}  // namespace nebulet::wasi::files
