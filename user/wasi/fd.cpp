// SPDX-License-Identifier: MIT
// The fd_* functions that move no data: state, attributes, positions, names of preopened directories.
#include <algorithm>
#include <limits>

#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"
#include "user/wasi/filestat.h"
#include "user/wasi/startup.h"

namespace nebulet::wasi {
namespace {

using Kind = Descriptor::Kind;

Descriptors& descriptors() { return Descriptors::get(); }

constexpr std::uint64_t kMaxOffset = std::numeric_limits<std::int64_t>::max();

/// An open regular file with these rights; directories are `isdir` or lack the right before.
Result<DescriptorRef> regular_file(std::uint32_t fd, Rights needed) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd, needed));
  if (descriptor->kind == Kind::directory) return fail(Errno::isdir);
  if (descriptor->kind != Kind::file) return fail(Errno::spipe);
  return descriptor;
}

/// A file or an attached directory with these rights.
Result<DescriptorRef> any_file(std::uint32_t fd, Rights needed) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd, needed));
  if (descriptor->kind == Kind::pipe) return fail(Errno::inval);
  TRY(descriptors().attach(*descriptor));
  return descriptor;
}

Result<> advise(std::uint32_t fd, std::uint64_t offset, std::uint64_t length, std::uint32_t advice) {
  TRY(regular_file(fd, kFdAdvise));
  constexpr std::uint32_t kLastAdvice = 5;
  if (advice > kLastAdvice || offset > kMaxOffset || length > kMaxOffset) return fail(Errno::inval);
  return {};
}

Result<> allocate(std::uint32_t fd, std::uint64_t offset, std::uint64_t length) {
  const DescriptorRef descriptor = TRY(regular_file(fd, kFdAllocate));
  if (length == 0 || offset > kMaxOffset || length > kMaxOffset) return fail(Errno::inval);
  if (offset + length > kMaxOffset) return fail(Errno::fbig);
  return files::allocate(descriptor->fid.get(), offset, length);
}

Result<> sync(std::uint32_t fd, Rights right) {
  const DescriptorRef descriptor = TRY(any_file(fd, right));
  const files::Fid fid =
      descriptor->kind == Kind::directory ? TRY(descriptors().listing(*descriptor)) : descriptor->fid.get();
  return files::sync(fid, right == kFdDatasync);
}

/// What is no file is unknown unless it is a terminal: by that C libraries tell whether to write line by
/// line.
FileType type_of(const Descriptor& descriptor) {
  if (descriptor.kind == Kind::file) return FileType::regular_file;
  if (descriptor.kind == Kind::directory) return FileType::directory;
  return descriptor.is_terminal ? FileType::character_device : FileType::unknown;
}

Result<> fdstat_get(std::uint32_t fd, Address at) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd));
  return store(at, Fdstat{.filetype = type_of(*descriptor),
                          .flags = descriptor->flags,
                          .rights_base = descriptor->base,
                          .rights_inheriting = descriptor->inheriting});
}

Result<> fdstat_set_flags(std::uint32_t fd, std::uint32_t flags) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd, kFdSetFlags));
  if ((flags & ~kAllFdFlags) != 0) return fail(Errno::inval);
  descriptor->flags = static_cast<std::uint16_t>(flags);
  return {};
}

Result<> fdstat_set_rights(std::uint32_t fd, Rights base, Rights inheriting) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd));
  if ((base & ~descriptor->base) != 0 || (inheriting & ~descriptor->inheriting) != 0)
    return fail(Errno::notcapable);
  descriptor->base = base;
  descriptor->inheriting = inheriting;
  return {};
}

Result<> filestat_get(std::uint32_t fd, Address at) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd, kFdFilestatGet));
  if (descriptor->kind == Kind::pipe) return store(at, Filestat{.filetype = type_of(*descriptor)});
  TRY(descriptors().attach(*descriptor));
  return store(at, filestat(TRY(files::attributes(descriptor->fid.get()))));
}

Result<> filestat_set_size(std::uint32_t fd, std::uint64_t size) {
  const DescriptorRef descriptor = TRY(regular_file(fd, kFdSetSize));
  if (size > kMaxOffset) return fail(Errno::inval);
  return files::set_size(descriptor->fid.get(), size);
}

Result<> filestat_set_times(std::uint32_t fd, std::uint64_t atim, std::uint64_t mtim, std::uint32_t flags) {
  const DescriptorRef descriptor = TRY(any_file(fd, kFdSetTimes));
  return files::set_times(descriptor->fid.get(), TRY(time_change(atim, mtim, flags)));
}

Result<std::uint64_t> seek_base(const Descriptor& descriptor, Whence whence) {
  switch (whence) {
    case Whence::set: return 0;
    case Whence::cur: return descriptor.offset;
    case Whence::end: return TRY(files::attributes(descriptor.fid.get())).size;
  }
  return fail(Errno::inval);
}

Result<> seek(std::uint32_t fd, std::int64_t offset, std::uint32_t whence, Address at) {
  if (whence > static_cast<std::uint32_t>(Whence::end)) return fail(Errno::inval);
  DescriptorRef descriptor = TRY(descriptors().find(fd));
  if (descriptor->kind == Kind::pipe) return fail(Errno::spipe);
  // To ask for the position, the right to tell it is enough.
  const bool tells = offset == 0 && whence == static_cast<std::uint32_t>(Whence::cur);
  descriptor = TRY(regular_file(fd, tells && (descriptor->base & kFdSeek) == 0 ? kFdTell : kFdSeek));
  TRY(check_caller(at, sizeof(std::uint64_t)));
  const auto turn = TRY(descriptor->turn.take());
  const std::uint64_t base = TRY(seek_base(*descriptor, static_cast<Whence>(whence)));
  const std::uint64_t position = base + static_cast<std::uint64_t>(offset);
  if (position > kMaxOffset) return fail(Errno::inval);
  descriptor->offset = position;
  return store(at, position);
}

Result<> tell(std::uint32_t fd, Address at) {
  DescriptorRef descriptor = TRY(descriptors().find(fd));
  if (descriptor->kind == Kind::pipe) return fail(Errno::spipe);
  descriptor = TRY(regular_file(fd, kFdTell));
  return store(at, descriptor->offset);
}

Result<std::string_view> preopen_name(std::uint32_t fd) {
  const DescriptorRef descriptor = TRY(descriptors().find(fd));
  if (descriptor->preopen < 0) return fail(Errno::badf);
  return Startup::get().preopens[static_cast<std::size_t>(descriptor->preopen)].name;
}

Result<> prestat_get(std::uint32_t fd, Address at) {
  const auto name = TRY(preopen_name(fd));
  return store(at, Prestat{.name_length = static_cast<std::uint32_t>(name.size())});
}

Result<> prestat_dir_name(std::uint32_t fd, Address at, std::uint32_t length) {
  const auto name = TRY(preopen_name(fd));
  if (length < name.size()) return fail(Errno::nametoolong);
  return write_caller(at, std::as_bytes(std::span(name)));
}

}  // namespace

WASI_EXPORT(fd_advise, (std::uint32_t fd, std::uint64_t offset, std::uint64_t length, std::uint32_t advice),
            (fd, offset, length, advice)) {
  return code(advise(fd, offset, length, advice));
}
WASI_EXPORT(fd_allocate, (std::uint32_t fd, std::uint64_t offset, std::uint64_t length),
            (fd, offset, length)) {
  return code(allocate(fd, offset, length));
}
WASI_EXPORT(fd_close, (std::uint32_t fd), (fd)) { return code(descriptors().close(fd)); }
WASI_EXPORT(fd_datasync, (std::uint32_t fd), (fd)) { return code(sync(fd, kFdDatasync)); }
WASI_EXPORT(fd_sync, (std::uint32_t fd), (fd)) { return code(sync(fd, kFdSync)); }
WASI_EXPORT(fd_fdstat_get, (std::uint32_t fd, Address at), (fd, at)) { return code(fdstat_get(fd, at)); }
WASI_EXPORT(fd_fdstat_set_flags, (std::uint32_t fd, std::uint32_t flags), (fd, flags)) {
  return code(fdstat_set_flags(fd, flags));
}
WASI_EXPORT(fd_fdstat_set_rights, (std::uint32_t fd, Rights base, Rights inheriting),
            (fd, base, inheriting)) {
  return code(fdstat_set_rights(fd, base, inheriting));
}
WASI_EXPORT(fd_filestat_get, (std::uint32_t fd, Address at), (fd, at)) { return code(filestat_get(fd, at)); }
WASI_EXPORT(fd_filestat_set_size, (std::uint32_t fd, std::uint64_t size), (fd, size)) {
  return code(filestat_set_size(fd, size));
}
WASI_EXPORT(fd_filestat_set_times,
            (std::uint32_t fd, std::uint64_t atim, std::uint64_t mtim, std::uint32_t flags),
            (fd, atim, mtim, flags)) {
  return code(filestat_set_times(fd, atim, mtim, flags));
}
WASI_EXPORT(fd_prestat_get, (std::uint32_t fd, Address at), (fd, at)) { return code(prestat_get(fd, at)); }
WASI_EXPORT(fd_prestat_dir_name, (std::uint32_t fd, Address at, std::uint32_t length), (fd, at, length)) {
  return code(prestat_dir_name(fd, at, length));
}
WASI_EXPORT(fd_renumber, (std::uint32_t from, std::uint32_t to), (from, to)) {
  return code(descriptors().renumber(from, to));
}
WASI_EXPORT(fd_seek, (std::uint32_t fd, std::int64_t offset, std::uint32_t whence, Address at),
            (fd, offset, whence, at)) {
  return code(seek(fd, offset, whence, at));
}
WASI_EXPORT(fd_tell, (std::uint32_t fd, Address at), (fd, at)) { return code(tell(fd, at)); }

}  // namespace nebulet::wasi
