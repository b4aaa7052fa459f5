// SPDX-License-Identifier: MIT
// 9P2000.L messages to whatever server a fid belongs to.
#include "user/wasi/files.h"

#include <algorithm>
#include <vector>

#include "base/result.h"
#include "user/ninep/session.h"
#include "user/wasi/exchange.h"
#include "user/wasi/server.h"

namespace nebulet::wasi::files {
namespace {

using ninep::MessageType;
using ninep::Reader;
using ninep::Writer;

constexpr std::uint64_t kNanoseconds = 1'000'000'000;

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

/// A number for a fid that the server is yet to make.
class NewFid {
 public:
  explicit NewFid(std::uint32_t server) : fid_(fid_numbers().take(server)) {}
  NewFid(const NewFid&) = delete;
  NewFid& operator=(const NewFid&) = delete;
  ~NewFid() {
    if (fid_ != ninep::kNoFid) fid_numbers().give_back(fid_);
  }
  Fid get() const { return fid_; }
  OwnedFid made() { return OwnedFid(std::exchange(fid_, ninep::kNoFid)); }

 private:
  Fid fid_;
};

/// One message and its answer. All messages begin with a fid, which tells the server.
template <class Fill>
Result<Reader> transact(MessageType type, Fid fid, Fill fill) {
  Exchange exchange(server_of(fid));
  exchange.add(type, [&](Writer& writer) {
    writer.u32(fid);
    fill(writer);
  });
  TRY(exchange.send());
  return exchange.answer();
}
Result<Reader> transact(MessageType type, Fid fid) {
  return transact(type, fid, [](Writer&) {});
}

/// For messages whose reply has nothing that matters.
template <class Fill>
Result<> transact_only(MessageType type, Fid fid, Fill fill) {
  TRY(transact(type, fid, fill));
  return {};
}

void add_walk(Exchange& exchange, Fid from, const NewFid& fid, std::span<const std::string_view> names) {
  exchange.add(MessageType::twalk, [&](Writer& writer) {
    writer.u32(from);
    writer.u32(fid.get());
    writer.u16(static_cast<std::uint16_t>(names.size()));
    for (const auto name : names) writer.string(name);
  });
}

/// What a walk over so many names found. It makes its fid only if it found all.
Result<ninep::Qid> end_of_walk(Exchange& exchange, std::size_t names) {
  Reader reply = TRY(exchange.answer());
  const std::size_t count = reply.u16();
  ninep::Qid qid{.type = ninep::kQidDirectory};
  for (std::size_t i = 0; i < count && reply.ok(); i++) qid = reply.qid();
  if (!reply.ok() || count > names) return fail(Errno::io);
  if (count < names) return fail(Errno::notdir);
  return qid;
}

void put_create(Writer& writer, std::string_view name, std::uint32_t flags, std::uint32_t mode) {
  writer.string(name);
  writer.u32(flags);
  writer.u32(mode);
  writer.u32(0);
}

void put_attributes(Writer& writer) { writer.u64(ninep::kAttrBasic); }
Result<ninep::Attributes> attributes_in(Reader& reply) {
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

Result<std::uint32_t> written_in(Reader& reply, std::uint32_t count) {
  const std::uint32_t written = reply.u32();
  if (!reply.ok() || written > count) return fail(Errno::io);
  return written;
}

}  // namespace

OwnedFid::~OwnedFid() {
  if (!*this) return;
  (void)transact(MessageType::tclunk, fid_);
  fid_numbers().give_back(fid_);  // only now, since other calls went on meanwhile
}

namespace {

Result<Target> attach_to(std::uint32_t server, std::string_view name) {
  NewFid fid(server);
  Reader reply = TRY(transact(MessageType::tattach, fid.get(), [&](Writer& writer) {
    writer.u32(ninep::kNoFid);
    writer.string("");
    writer.string(name);
    writer.u32(0);
  }));
  return Target{fid.made(), reply.qid()};
}

}  // namespace

Result<Target> attach(nb_handle_t server, std::string_view name) {
  return attach_to(TRY(Servers::get().find_or_connect(server)), name);
}

Result<Target> attach_memory(std::string_view name, std::uint64_t quota) {
  return attach_to(TRY(Servers::get().make_in_memory(quota)), name);
}

Result<Target> walk(Fid from, std::span<const std::string_view> names) {
  NewFid fid(server_of(from));
  Exchange exchange(server_of(from));
  add_walk(exchange, from, fid, names);
  TRY(exchange.send());
  const ninep::Qid qid = TRY(end_of_walk(exchange, names.size()));
  return Target{fid.made(), qid};
}

Result<ninep::Attributes> walk_to_attributes(Fid from, std::span<const std::string_view> names) {
  NewFid fid(server_of(from));
  Exchange exchange(server_of(from));
  add_walk(exchange, from, fid, names);
  exchange.add(MessageType::tgetattr, [&](Writer& writer) {
    writer.u32(fid.get());
    put_attributes(writer);
  });
  exchange.add(MessageType::tclunk, [&](Writer& writer) { writer.u32(fid.get()); });
  TRY(exchange.send());
  TRY(end_of_walk(exchange, names.size()));
  auto reply = exchange.answer();
  (void)exchange.answer();
  Reader fields = TRY(std::move(reply));
  return TRY(attributes_in(fields));
}

Result<Opened> walk_and_open(Fid from, std::span<const std::string_view> names, std::uint32_t flags) {
  NewFid fid(server_of(from));
  Exchange exchange(server_of(from));
  add_walk(exchange, from, fid, names);
  exchange.add(MessageType::tlopen, [&](Writer& writer) {
    writer.u32(fid.get());
    writer.u32(flags);
  });
  TRY(exchange.send());
  const ninep::Qid qid = TRY(end_of_walk(exchange, names.size()));
  const auto opened = exchange.answer();
  return Opened{{fid.made(), qid}, opened ? Errno::success : opened.error()};
}

Result<OwnedFid> walk_and_create(Fid from, std::span<const std::string_view> directory, std::string_view name,
                                 std::uint32_t flags, std::uint32_t mode) {
  NewFid fid(server_of(from));
  Exchange exchange(server_of(from));
  add_walk(exchange, from, fid, directory);
  exchange.add(MessageType::tlcreate, [&](Writer& writer) {
    writer.u32(fid.get());
    put_create(writer, name, flags, mode);
  });
  TRY(exchange.send());
  TRY(end_of_walk(exchange, directory.size()));
  OwnedFid made = fid.made();
  TRY(exchange.answer());
  return made;
}

Result<Target> walk(Fid from, std::string_view name) { return walk(from, std::span(&name, 1)); }

Result<> open(Fid fid, std::uint32_t flags) {
  return transact_only(MessageType::tlopen, fid, [&](Writer& writer) { writer.u32(flags); });
}

Result<> create(Fid directory, std::string_view name, std::uint32_t flags, std::uint32_t mode) {
  return transact_only(MessageType::tlcreate, directory,
                       [&](Writer& writer) { put_create(writer, name, flags, mode); });
}

std::uint32_t most_read(Fid fid) {
  return message_size(fid) - static_cast<std::uint32_t>(ninep::kReadOverhead);
}

Result<std::span<const std::byte>> read(Fid fid, std::uint64_t offset, std::uint32_t count) {
  Reader reply = TRY(transact(MessageType::tread, fid, [&](Writer& writer) {
    writer.u64(offset);
    writer.u32(std::min(count, most_read(fid)));
  }));
  const auto data = reply.bytes(reply.u32());
  if (!reply.ok() || data.size() > count) return fail(Errno::io);
  return data;
}

std::span<std::byte> write_buffer(Fid fid) {
  return std::span(buffers().request).first(message_size(fid)).subspan(ninep::kWriteOverhead);
}

Result<std::uint32_t> write(Fid fid, std::uint64_t offset, std::uint32_t count) {
  Reader reply = TRY(transact(MessageType::twrite, fid, [&](Writer& writer) {
    writer.u64(offset);
    writer.u32(count);
    writer.advance(count);
  }));
  return TRY(written_in(reply, count));
}

Result<Appended> append(Fid fid, std::uint32_t count) {
  Exchange exchange(server_of(fid));
  exchange.add(MessageType::twrite, [&](Writer& writer) {
    writer.u32(fid);
    writer.u64(ninep::kAtEnd);
    writer.u32(count);
    writer.advance(count);
  });
  exchange.add(MessageType::tgetattr, [&](Writer& writer) {
    writer.u32(fid);
    put_attributes(writer);
  });
  TRY(exchange.send());
  Reader reply = TRY(exchange.answer());
  Appended result{.written = TRY(written_in(reply, count))};
  if (auto fields = exchange.answer())
    if (const auto attributes = attributes_in(*fields)) result.size = attributes->size;
  return result;
}

Result<std::span<const std::byte>> read_directory(Fid fid, std::uint64_t offset) {
  Reader reply = TRY(transact(MessageType::treaddir, fid, [&](Writer& writer) {
    writer.u64(offset);
    writer.u32(message_size(fid) - static_cast<std::uint32_t>(ninep::kReadOverhead));
  }));
  const auto data = reply.bytes(reply.u32());
  if (!reply.ok()) return fail(Errno::io);
  return data;
}

Result<ninep::Attributes> attributes(Fid fid) {
  Reader reply = TRY(transact(MessageType::tgetattr, fid, put_attributes));
  return attributes_in(reply);
}

namespace {

Result<> set_attributes(Fid fid, std::uint32_t valid, std::uint64_t size, const TimeChange& times) {
  return transact_only(MessageType::tsetattr, fid, [&](Writer& writer) {
    writer.u32(valid);
    writer.u32(0);  // mode
    writer.u32(0);  // uid
    writer.u32(0);  // gid
    writer.u64(size);
    writer.u64(times.atime / kNanoseconds);
    writer.u64(times.atime % kNanoseconds);
    writer.u64(times.mtime / kNanoseconds);
    writer.u64(times.mtime % kNanoseconds);
  });
}

}  // namespace

Result<> set_size(Fid fid, std::uint64_t size) { return set_attributes(fid, ninep::kSetSize, size, {}); }
Result<> set_times(Fid fid, const TimeChange& change) { return set_attributes(fid, change.valid, 0, change); }

Result<> allocate(Fid fid, std::uint64_t offset, std::uint64_t length) {
  return transact_only(MessageType::tallocate, fid, [&](Writer& writer) {
    writer.u64(offset);
    writer.u64(length);
  });
}

Result<> sync(Fid fid, bool data_only) {
  return transact_only(MessageType::tfsync, fid, [&](Writer& writer) { writer.u32(data_only ? 1 : 0); });
}

Result<std::string> read_link(Fid fid) {
  Reader reply = TRY(transact(MessageType::treadlink, fid));
  std::string target(reply.string());
  if (!reply.ok()) return fail(Errno::io);
  return target;
}

Result<> make_directory(Fid directory, std::string_view name) {
  return transact_only(MessageType::tmkdir, directory, [&](Writer& writer) {
    writer.string(name);
    writer.u32(0777);
    writer.u32(0);
  });
}

Result<> make_symlink(Fid directory, std::string_view name, std::string_view target) {
  return transact_only(MessageType::tsymlink, directory, [&](Writer& writer) {
    writer.string(name);
    writer.string(target);
    writer.u32(0);
  });
}

Result<> link(Fid directory, std::string_view name, Fid file) {
  if (server_of(directory) != server_of(file)) return fail(Errno::xdev);
  return transact_only(MessageType::tlink, directory, [&](Writer& writer) {
    writer.u32(file);
    writer.string(name);
  });
}

Result<> rename(Fid from_directory, std::string_view from, Fid to_directory, std::string_view to) {
  if (server_of(from_directory) != server_of(to_directory)) return fail(Errno::xdev);
  return transact_only(MessageType::trenameat, from_directory, [&](Writer& writer) {
    writer.string(from);
    writer.u32(to_directory);
    writer.string(to);
  });
}

Result<> remove(Fid directory, std::string_view name, std::uint32_t flags) {
  return transact_only(MessageType::tunlinkat, directory, [&](Writer& writer) {
    writer.string(name);
    writer.u32(flags);
  });
}

}  // namespace nebulet::wasi::files
