// SPDX-License-Identifier: MIT
// The wire format of 9P2000.L as far as Nebulet's file clients and servers speak it: message types, flag
// values of the protocol (they are Linux's on x86-64), and the two classes that read and write little-endian
// fields with bounds checks. Header-only; knows nothing of transports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace nebulet::ninep {

enum class MessageType : std::uint8_t {
  rlerror = 7,
  tstatfs = 8,
  rstatfs,
  tlopen = 12,
  rlopen,
  tlcreate = 14,
  rlcreate,
  tsymlink = 16,
  rsymlink,
  treadlink = 22,
  rreadlink,
  tgetattr = 24,
  rgetattr,
  tsetattr = 26,
  rsetattr,
  treaddir = 40,
  rreaddir,
  tfsync = 50,
  rfsync,
  tallocate = 60,
  rallocate,
  tlink = 70,
  rlink,
  tmkdir = 72,
  rmkdir,
  trenameat = 74,
  rrenameat,
  tunlinkat = 76,
  runlinkat,
  tversion = 100,
  rversion,
  tauth = 102,
  rauth,
  tattach = 104,
  rattach,
  tflush = 108,
  rflush,
  twalk = 110,
  rwalk,
  tread = 116,
  rread,
  twrite = 118,
  rwrite,
  tclunk = 120,
  rclunk,
};

/// The reply type that belongs to a request type.
constexpr MessageType reply_to(MessageType request) {
  return static_cast<MessageType>(static_cast<std::uint8_t>(request) + 1);
}

inline constexpr std::string_view kVersion = "9P2000.L";
inline constexpr std::uint16_t kNoTag = 0xffff;
inline constexpr std::uint32_t kNoFid = 0xffff'ffff;
inline constexpr std::size_t kHeaderSize = 7;                    // size[4] type[1] tag[2]
inline constexpr std::size_t kReadOverhead = kHeaderSize + 4;    // + count[4]
inline constexpr std::size_t kWriteOverhead = kHeaderSize + 16;  // + fid[4] offset[8] count[4]
inline constexpr std::size_t kMaxWalk = 16;
inline constexpr std::size_t kMaxName = 255;
inline constexpr std::size_t kMaxPath = 4096;
inline constexpr std::size_t kMessageSize = 65536 + 24;           // what the client offers as msize
inline constexpr std::size_t kExchangeSize = kMessageSize + 104;  // messages that go together

/// Errors, as Rlerror carries them: Linux's numbers.
namespace errors {
enum : int {
  perm = 1,
  noent = 2,
  intr = 4,
  io = 5,
  nxio = 6,
  badf = 9,
  again = 11,
  nomem = 12,
  acces = 13,
  busy = 16,
  exist = 17,
  xdev = 18,
  nodev = 19,
  notdir = 20,
  isdir = 21,
  inval = 22,
  nfile = 23,
  mfile = 24,
  txtbsy = 26,
  fbig = 27,
  nospc = 28,
  spipe = 29,
  rofs = 30,
  mlink = 31,
  pipe = 32,
  range = 34,
  nametoolong = 36,
  nosys = 38,
  notempty = 39,
  loop = 40,
  proto = 71,
  overflow = 75,
  ilseq = 84,
  msgsize = 90,
  opnotsupp = 95,
  timedout = 110,
  stale = 116,
  dquot = 122,
};
}  // namespace errors

// Qid types.
inline constexpr std::uint8_t kQidDirectory = 0x80;
inline constexpr std::uint8_t kQidSymlink = 0x02;
inline constexpr std::uint8_t kQidFile = 0x00;

// Flags of Tlopen and Tlcreate.
inline constexpr std::uint32_t kOpenRead = 0, kOpenWrite = 1, kOpenReadWrite = 2, kOpenAccessMask = 3;
inline constexpr std::uint32_t kOpenCreate = 0100, kOpenExclusive = 0200, kOpenTruncate = 01000;
inline constexpr std::uint32_t kOpenDirectory = 0200000, kOpenNoFollow = 0400000;

// Twrite: the offset that means the file's end, whatever others write meanwhile.
inline constexpr std::uint64_t kAtEnd = ~std::uint64_t{0};

// Tunlinkat's flag that a directory is meant.
inline constexpr std::uint32_t kRemoveDirectory = 0x200;

// Tgetattr: all fields of stat.
inline constexpr std::uint64_t kAttrBasic = 0x7ff;

// Tsetattr.
inline constexpr std::uint32_t kSetMode = 0x1, kSetUid = 0x2, kSetGid = 0x4, kSetSize = 0x8, kSetAtime = 0x10,
                               kSetMtime = 0x20, kSetCtime = 0x40, kSetAtimeTo = 0x80, kSetMtimeTo = 0x100;

/// What identifies a file on the server.
struct Qid {
  std::uint8_t type = 0;
  std::uint32_t version = 0;
  std::uint64_t path = 0;

  bool is_directory() const { return (type & kQidDirectory) != 0; }
  bool is_symlink() const { return (type & kQidSymlink) != 0; }
};

/// The fields of Rgetattr that anyone here uses.
struct Attributes {
  std::uint64_t valid = 0;
  Qid qid;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  std::uint64_t link_count = 0, device = 0, size = 0, block_size = 0, blocks = 0;
  std::uint64_t atime_seconds = 0, atime_nanoseconds = 0;
  std::uint64_t mtime_seconds = 0, mtime_nanoseconds = 0;
  std::uint64_t ctime_seconds = 0, ctime_nanoseconds = 0;
  std::uint64_t btime_seconds = 0, btime_nanoseconds = 0;
  std::uint64_t generation = 0;
  std::uint64_t file_system = 0;  // qids are unique within one; where 9P2000.L has the reserved data version
};

/// Reads fields from a message. After a read beyond the end every result is zero or empty and `ok()` is
/// false, so a message is read in one go and checked once.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::string_view string() {
    const auto data = bytes(u16());
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  std::span<const std::byte> bytes(std::size_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const auto result = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return result;
  }
  Qid qid() {
    Qid result;
    result.type = u8();
    result.version = u32();
    result.path = u64();
    return result;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  std::size_t remaining() const { return bytes_.size(); }

 private:
  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    const auto field = bytes(size);
    if (!field.empty()) std::memcpy(&value, field.data(), size);
    return value;
  }

  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

/// The first of messages that came together; all that is there if its size says something that cannot be.
inline std::span<const std::byte> first_message(std::span<const std::byte> messages) {
  const std::uint32_t size = Reader(messages).u32();
  return size < kHeaderSize || size > messages.size() ? messages : messages.first(size);
}

/// Writes fields of one message into a buffer. A field that does not fit makes `ok()` false and is not
/// written.
class Writer {
 public:
  Writer(std::span<std::byte> buffer, MessageType type, std::uint16_t tag) : buffer_(buffer) {
    u32(0);
    u8(static_cast<std::uint8_t>(type));
    u16(tag);
  }

  void u8(std::uint8_t value) { raw(&value, sizeof value); }
  void u16(std::uint16_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void u64(std::uint64_t value) { raw(&value, sizeof value); }
  void string(std::string_view text) {
    if (text.size() > 0xffff) {
      ok_ = false;
      return;
    }
    u16(static_cast<std::uint16_t>(text.size()));
    raw(text.data(), text.size());
  }
  void bytes(std::span<const std::byte> data) { raw(data.data(), data.size()); }
  void qid(const Qid& qid) {
    u8(qid.type);
    u32(qid.version);
    u64(qid.path);
  }

  /// The rest of the buffer, to be filled in place and then claimed by `advance`.
  std::span<std::byte> space() const { return buffer_.subspan(size_); }
  void advance(std::size_t count) {
    if (count > buffer_.size() - size_) {
      ok_ = false;
    } else {
      size_ += count;
    }
  }
  std::size_t size() const { return size_; }
  bool ok() const { return ok_; }

  /// Overwrites a field that was written before at `position`.
  void patch_u16(std::size_t position, std::uint16_t value) {
    if (ok_) std::memcpy(buffer_.data() + position, &value, sizeof value);
  }
  void patch_u32(std::size_t position, std::uint32_t value) {
    if (ok_) std::memcpy(buffer_.data() + position, &value, sizeof value);
  }
  /// Writes the message's size field and returns the message; empty when something did not fit.
  std::span<std::byte> finish() {
    if (!ok_) return {};
    patch_u32(0, static_cast<std::uint32_t>(size_));
    return buffer_.first(size_);
  }

 private:
  void raw(const void* data, std::size_t count) {
    if (!ok_ || count > buffer_.size() - size_) {
      ok_ = false;
      return;
    }
    if (count != 0) std::memcpy(buffer_.data() + size_, data, count);
    size_ += count;
  }

  std::span<std::byte> buffer_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace nebulet::ninep
