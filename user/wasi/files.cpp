// SPDX-License-Identifier: MIT
// 9P2000.L messages to whatever server a fid belongs to.
#include "user/wasi/files.h"

#include <algorithm>
#include <vector>

#include "base/result.h"
#include "user/ninep/session.h"
#include "user/wasi/server.h"

namespace nebulet::wasi::files {
namespace {

using ninep::MessageType;
using ninep::Reader;
using ninep::Writer;

constexpr std::uint16_t kTag = 1;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;

/// Made by the first use: most programs have no files.
struct Buffers {
  std::byte request[ninep::kMessageSize], reply[ninep::kMessageSize];
};
Buffers& buffers() {
  static auto* buffers = new Buffers;
  return *buffers;
}

// A fid's upper bits tell the server.
constexpr unsigned kServerShift = 20;
static_assert(ninep::Session::kMaxFids < 1u << kServerShift);
static_assert(Servers::kLimit <= 1u << (32 - kServerShift));

std::uint32_t server_of(Fid fid) { return fid >> kServerShift; }
std::uint32_t message_size(Fid fid) { return Servers::get()[server_of(fid)].message_size; }

/// Numbers that no living fid has.
class FidNumbers {
 public:
  Fid take(std::uint32_t server) {
    Fid number = next_;
    if (free_.empty()) {
      next_++;
    } else {
      number = free_.back();
      free_.pop_back();
    }
    return number | server << kServerShift;
  }
  void give_back(Fid fid) { free_.push_back(fid & ((1u << kServerShift) - 1)); }

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
    case ninep::errors::perm: return Errno::perm;
    case ninep::errors::noent: return Errno::noent;
    case ninep::errors::intr: return Errno::intr;
    case ninep::errors::nxio: return Errno::nxio;
    case ninep::errors::badf: return Errno::badf;
    case ninep::errors::again: return Errno::again;
    case ninep::errors::nomem: return Errno::nomem;
    case ninep::errors::acces: return Errno::acces;
    case ninep::errors::busy: return Errno::busy;
    case ninep::errors::exist: return Errno::exist;
    case ninep::errors::xdev: return Errno::xdev;
    case ninep::errors::nodev: return Errno::nodev;
    case ninep::errors::notdir: return Errno::notdir;
    case ninep::errors::isdir: return Errno::isdir;
    case ninep::errors::inval: return Errno::inval;
    case ninep::errors::nfile: return Errno::nfile;
    case ninep::errors::mfile: return Errno::mfile;
    case ninep::errors::txtbsy: return Errno::txtbsy;
    case ninep::errors::fbig: return Errno::fbig;
    case ninep::errors::nospc: return Errno::nospc;
    case ninep::errors::spipe: return Errno::spipe;
    case ninep::errors::rofs: return Errno::rofs;
    case ninep::errors::mlink: return Errno::mlink;
    case ninep::errors::pipe: return Errno::pipe;
    case ninep::errors::range: return Errno::range;
    case ninep::errors::nametoolong: return Errno::nametoolong;
    case ninep::errors::nosys: return Errno::nosys;
    case ninep::errors::notempty: return Errno::notempty;
    case ninep::errors::loop: return Errno::loop;
    case ninep::errors::overflow: return Errno::overflow;
    case ninep::errors::ilseq: return Errno::ilseq;
    case ninep::errors::opnotsupp: return Errno::notsup;
    case ninep::errors::timedout: return Errno::timedout;
    case ninep::errors::stale: return Errno::stale;
    case ninep::errors::dquot: return Errno::dquot;
    default: return Errno::io;
  }
}

Writer request(MessageType type) { return Writer(buffers().request, type, kTag); }

/// Sends the message and returns a reader behind the reply's header.
Result<Reader> transact(Writer& writer) {
  const auto message = writer.finish();
  if (message.empty()) return fail(Errno::nametoolong);
  const Fid fid = Reader(message.subspan(ninep::kHeaderSize)).u32();  // with which all messages begin
  const std::size_t length = TRY(Servers::get()[server_of(fid)].transact(message, buffers().reply));
  if (length < ninep::kHeaderSize || length > sizeof buffers().reply) return fail(Errno::io);
  Reader reader(std::span(buffers().reply).first(length));
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

}  // namespace

OwnedFid::~OwnedFid() {
  if (!*this) return;
  Writer writer = request(MessageType::tclunk);
  writer.u32(fid_);
  (void)transact(writer);
  fid_numbers().give_back(fid_);
}

namespace {

Result<Target> attach_to(std::uint32_t server, std::string_view name) {
  const Fid fid = fid_numbers().take(server);
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

}  // namespace

Result<Target> attach(nb_handle_t server, std::string_view name) {
  return attach_to(TRY(Servers::get().find_or_connect(server)), name);
}

Result<Target> attach_memory(std::string_view name, std::uint64_t quota) {
  return attach_to(TRY(Servers::get().make_in_memory(quota)), name);
}

Result<Target> walk(Fid from, std::span<const std::string_view> names) {
  const Fid fid = fid_numbers().take(server_of(from));
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
  writer.u32(std::min<std::uint32_t>(count, message_size(fid) - ninep::kReadOverhead));
  Reader reply = TRY(transact(writer));
  const auto data = reply.bytes(reply.u32());
  if (!reply.ok() || data.size() > count) return fail(Errno::io);
  return data;
}

std::span<std::byte> write_buffer(Fid fid) {
  return std::span(buffers().request).first(message_size(fid)).subspan(ninep::kWriteOverhead);
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
  writer.u32(message_size(fid) - static_cast<std::uint32_t>(ninep::kReadOverhead));
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
  if (server_of(directory) != server_of(file)) return fail(Errno::xdev);
  Writer writer = request(MessageType::tlink);
  writer.u32(directory);
  writer.u32(file);
  writer.string(name);
  return transact_only(writer);
}

Result<> rename(Fid from_directory, std::string_view from, Fid to_directory, std::string_view to) {
  if (server_of(from_directory) != server_of(to_directory)) return fail(Errno::xdev);
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
