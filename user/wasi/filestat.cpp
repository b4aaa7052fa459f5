// SPDX-License-Identifier: MIT
// Conversions of attributes.
#include "user/wasi/filestat.h"

#include "base/result.h"

namespace nebulet::wasi {

FileType file_type(const ninep::Qid& qid) {
  if (qid.is_directory()) return FileType::directory;
  if (qid.is_symlink()) return FileType::symbolic_link;
  return FileType::regular_file;
}

namespace {

FileType file_type(std::uint32_t mode) {
  switch (mode & 0170000) {
    case 0040000: return FileType::directory;
    case 0100000: return FileType::regular_file;
    case 0120000: return FileType::symbolic_link;
    case 0020000: return FileType::character_device;
    case 0060000: return FileType::block_device;
    case 0140000: return FileType::socket_stream;
    default: return FileType::unknown;
  }
}

std::uint64_t nanoseconds(std::uint64_t seconds, std::uint64_t rest) {
  return seconds * 1'000'000'000 + rest;
}

}  // namespace

Filestat filestat(const ninep::Attributes& attributes) {
  return Filestat{
      .device = attributes.file_system,
      .inode = attributes.qid.path,
      .filetype = file_type(attributes.mode),
      .link_count = attributes.link_count,
      .size = attributes.size,
      .atim = nanoseconds(attributes.atime_seconds, attributes.atime_nanoseconds),
      .mtim = nanoseconds(attributes.mtime_seconds, attributes.mtime_nanoseconds),
      .ctim = nanoseconds(attributes.ctime_seconds, attributes.ctime_nanoseconds),
  };
}

Result<files::TimeChange> time_change(std::uint64_t atim, std::uint64_t mtim, std::uint32_t flags) {
  if ((flags & ~kAllFstFlags) != 0) return fail(Errno::inval);
  if ((flags & kSetAtim) != 0 && (flags & kSetAtimNow) != 0) return fail(Errno::inval);
  if ((flags & kSetMtim) != 0 && (flags & kSetMtimNow) != 0) return fail(Errno::inval);
  files::TimeChange change{.atime = atim, .mtime = mtim};
  if ((flags & kSetAtim) != 0) change.valid |= ninep::kSetAtime | ninep::kSetAtimeTo;
  if ((flags & kSetAtimNow) != 0) change.valid |= ninep::kSetAtime;
  if ((flags & kSetMtim) != 0) change.valid |= ninep::kSetMtime | ninep::kSetMtimeTo;
  if ((flags & kSetMtimNow) != 0) change.valid |= ninep::kSetMtime;
  return change;
}

}  // namespace nebulet::wasi
