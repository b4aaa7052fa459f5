// SPDX-License-Identifier: MIT
// The constants and record layouts of WASI snapshot preview 1 (its witx files are the reference).
#pragma once

#include <cstdint>
#include <expected>

namespace nebulet::wasi {

enum class Errno : std::uint16_t {
  success,
  toobig,
  acces,
  addrinuse,
  addrnotavail,
  afnosupport,
  again,
  already,
  badf,
  badmsg,
  busy,
  canceled,
  child,
  connaborted,
  connrefused,
  connreset,
  deadlk,
  destaddrreq,
  dom,
  dquot,
  exist,
  fault,
  fbig,
  hostunreach,
  idrm,
  ilseq,
  inprogress,
  intr,
  inval,
  io,
  isconn,
  isdir,
  loop,
  mfile,
  mlink,
  msgsize,
  multihop,
  nametoolong,
  netdown,
  netreset,
  netunreach,
  nfile,
  nobufs,
  nodev,
  noent,
  noexec,
  nolck,
  nolink,
  nomem,
  nomsg,
  noprotoopt,
  nospc,
  nosys,
  notconn,
  notdir,
  notempty,
  notrecoverable,
  notsock,
  notsup,
  notty,
  nxio,
  overflow,
  ownerdead,
  perm,
  pipe,
  proto,
  protonosupport,
  prototype,
  range,
  rofs,
  spipe,
  srch,
  stale,
  timedout,
  txtbsy,
  xdev,
  notcapable,
};
static_assert(static_cast<int>(Errno::notcapable) == 76);

template <class T = void>
using Result = std::expected<T, Errno>;

inline std::unexpected<Errno> fail(Errno error) { return std::unexpected(error); }

using Address = std::uint32_t;  // in the program's memory
using Rights = std::uint64_t;

enum : Rights {
  kFdDatasync = 1u << 0,
  kFdRead = 1u << 1,
  kFdSeek = 1u << 2,
  kFdSetFlags = 1u << 3,
  kFdSync = 1u << 4,
  kFdTell = 1u << 5,
  kFdWrite = 1u << 6,
  kFdAdvise = 1u << 7,
  kFdAllocate = 1u << 8,
  kPathCreateDirectory = 1u << 9,
  kPathCreateFile = 1u << 10,
  kPathLinkSource = 1u << 11,
  kPathLinkTarget = 1u << 12,
  kPathOpen = 1u << 13,
  kFdReaddir = 1u << 14,
  kPathReadlink = 1u << 15,
  kPathRenameSource = 1u << 16,
  kPathRenameTarget = 1u << 17,
  kPathFilestatGet = 1u << 18,
  kPathSetSize = 1u << 19,
  kPathSetTimes = 1u << 20,
  kFdFilestatGet = 1u << 21,
  kFdSetSize = 1u << 22,
  kFdSetTimes = 1u << 23,
  kPathSymlink = 1u << 24,
  kPathRemoveDirectory = 1u << 25,
  kPathUnlinkFile = 1u << 26,
  kPollFdReadwrite = 1u << 27,
  kSockShutdown = 1u << 28,
  kSockAccept = 1u << 29,
};
inline constexpr Rights kFileRights = kFdDatasync | kFdRead | kFdSeek | kFdSetFlags | kFdSync | kFdTell |
                                      kFdWrite | kFdAdvise | kFdAllocate | kFdFilestatGet | kFdSetSize |
                                      kFdSetTimes | kPollFdReadwrite;
inline constexpr Rights kDirectoryRights =
    kFdSetFlags | kFdSync | kFdDatasync | kPathCreateDirectory | kPathCreateFile | kPathLinkSource |
    kPathLinkTarget | kPathOpen | kFdReaddir | kPathReadlink | kPathRenameSource | kPathRenameTarget |
    kPathFilestatGet | kPathSetSize | kPathSetTimes | kFdFilestatGet | kFdSetTimes | kPathSymlink |
    kPathRemoveDirectory | kPathUnlinkFile;
/// The rights that mean something for what path_open opens.
inline constexpr Rights kPathRights = kFileRights | kDirectoryRights;
inline constexpr Rights kPipeRights = kFdRead | kFdWrite | kFdSetFlags | kFdFilestatGet | kPollFdReadwrite;

enum class FileType : std::uint8_t {
  unknown,
  block_device,
  character_device,
  directory,
  regular_file,
  socket_dgram,
  socket_stream,
  symbolic_link,
};

// fdflags, fstflags, lookupflags, oflags
enum : std::uint32_t { kAppend = 1, kDsync = 2, kNonblock = 4, kRsync = 8, kSync = 16, kAllFdFlags = 31 };
enum : std::uint32_t { kSetAtim = 1, kSetAtimNow = 2, kSetMtim = 4, kSetMtimNow = 8, kAllFstFlags = 15 };
enum : std::uint32_t { kSymlinkFollow = 1 };
enum : std::uint32_t { kCreate = 1, kDirectory = 2, kExclusive = 4, kTruncate = 8, kAllOflags = 15 };

enum class Whence : std::uint8_t { set, cur, end };
enum : std::uint32_t { kClockRealtime, kClockMonotonic, kClockProcessCpu, kClockThreadCpu, kClockCount };

struct Iovec {
  Address buffer;
  std::uint32_t length;
};
static_assert(sizeof(Iovec) == 8);

struct Fdstat {
  FileType filetype = FileType::unknown;
  std::uint16_t flags = 0;
  Rights rights_base = 0;
  Rights rights_inheriting = 0;
};
static_assert(sizeof(Fdstat) == 24);

struct Filestat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  FileType filetype = FileType::unknown;
  std::uint64_t link_count = 1;
  std::uint64_t size = 0;
  std::uint64_t atim = 0;
  std::uint64_t mtim = 0;
  std::uint64_t ctim = 0;
};
static_assert(sizeof(Filestat) == 64);

struct Dirent {
  std::uint64_t next;
  std::uint64_t inode;
  std::uint32_t name_length;
  FileType type;
};
static_assert(sizeof(Dirent) == 24);

struct Prestat {
  std::uint8_t tag = 0;  // a directory
  std::uint32_t name_length = 0;
};
static_assert(sizeof(Prestat) == 8);

enum class EventType : std::uint8_t { clock, fd_read, fd_write };

struct Subscription {
  std::uint64_t userdata;
  EventType type;
  union {
    struct {
      std::uint32_t id;
      std::uint64_t timeout;
      std::uint64_t precision;
      std::uint16_t flags;  // bit 0: `timeout` is absolute
    } clock;
    struct {
      std::uint32_t fd;
    } readwrite;
  };
};
static_assert(sizeof(Subscription) == 48);

struct Event {
  std::uint64_t userdata = 0;
  Errno error = Errno::success;
  EventType type = EventType::clock;
  std::uint64_t bytes = 0;
  std::uint16_t flags = 0;
};
static_assert(sizeof(Event) == 32);

}  // namespace nebulet::wasi
