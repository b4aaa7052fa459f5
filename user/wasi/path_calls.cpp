// SPDX-License-Identifier: MIT
// The path_* functions except path_open.
#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"
#include "user/wasi/filestat.h"
#include "user/wasi/path.h"

namespace nebulet::wasi {
namespace {

/// Nobody closes it before the call is over.
Result<DescriptorRef> directory(std::uint32_t fd, Rights needed) {
  return Descriptors::get().directory(fd, needed);
}

Result<Links> links(std::uint32_t lookup_flags) {
  if ((lookup_flags & ~kSymlinkFollow) != 0) return fail(Errno::inval);
  return lookup_flags == kSymlinkFollow ? Links::follow : Links::keep;
}

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

/// What a name that must not exist yet, but ends with a slash, is: the error for its creation as something
/// that is no directory.
Errno creation_error(const Place& place) {
  const auto existing = files::walk(place.directory, place.name);
  if (!existing) return existing.error();
  return existing->qid.is_directory() ? Errno::exist : Errno::notdir;
}

Result<> create_directory(std::uint32_t fd, Address path_at, std::uint32_t length) {
  const DescriptorRef base = TRY(directory(fd, kPathCreateDirectory));
  const std::string path = TRY(load_path(path_at, length));
  const Place place = TRY(find_place(base->fid.get(), path));
  if (is_dots(place.name)) return fail(Errno::exist);
  return files::make_directory(place.directory, place.name);
}

Result<> filestat_get(std::uint32_t fd, std::uint32_t flags, Address path_at, std::uint32_t length,
                      Address at) {
  const DescriptorRef base = TRY(directory(fd, kPathFilestatGet));
  const std::string path = TRY(load_path(path_at, length));
  const Links last = TRY(links(flags));
  return store(at, filestat(TRY(find_attributes(base->fid.get(), path, last))));
}

Result<> filestat_set_times(std::uint32_t fd, std::uint32_t flags, Address path_at, std::uint32_t length,
                            std::uint64_t atim, std::uint64_t mtim, std::uint32_t time_flags) {
  const DescriptorRef base = TRY(directory(fd, kPathSetTimes));
  const std::string path = TRY(load_path(path_at, length));
  const auto change = TRY(time_change(atim, mtim, time_flags));
  const Links last = TRY(links(flags));
  const auto target = TRY(find(base->fid.get(), path, last));
  return files::set_times(target.fid.get(), change);
}

Result<> link(std::uint32_t old_fd, std::uint32_t flags, Address old_at, std::uint32_t old_length,
              std::uint32_t new_fd, Address new_at, std::uint32_t new_length) {
  const DescriptorRef old_base = TRY(directory(old_fd, kPathLinkSource));
  const DescriptorRef new_base = TRY(directory(new_fd, kPathLinkTarget));
  const std::string old_path = TRY(load_path(old_at, old_length));
  const std::string new_path = TRY(load_path(new_at, new_length));
  const Links last = TRY(links(flags));
  const auto source = TRY(find(old_base->fid.get(), old_path, last));
  if (source.qid.is_directory()) return fail(Errno::perm);
  const Place place = TRY(find_place(new_base->fid.get(), new_path));
  if (is_dots(place.name)) return fail(Errno::exist);
  if (place.wants_directory) return fail(creation_error(place));
  return files::link(place.directory, place.name, source.fid.get());
}

Result<> readlink(std::uint32_t fd, Address path_at, std::uint32_t length, Address buffer,
                  std::uint32_t buffer_length, Address used_at) {
  const DescriptorRef base = TRY(directory(fd, kPathReadlink));
  const std::string path = TRY(load_path(path_at, length));
  const auto target = TRY(find(base->fid.get(), path, Links::keep));
  if (!target.qid.is_symlink()) return fail(Errno::inval);
  std::string text = TRY(files::read_link(target.fid.get()));
  if (text.size() > buffer_length) text.resize(buffer_length);
  TRY(write_caller(buffer, std::as_bytes(std::span(text))));
  return store(used_at, static_cast<std::uint32_t>(text.size()));
}

Result<> remove_directory(std::uint32_t fd, Address path_at, std::uint32_t length) {
  const DescriptorRef base = TRY(directory(fd, kPathRemoveDirectory));
  const std::string path = TRY(load_path(path_at, length));
  const Place place = TRY(find_place(base->fid.get(), path));
  if (place.name == ".") return fail(Errno::inval);
  if (place.name == "..") return fail(Errno::notempty);
  return files::remove(place.directory, place.name, ninep::kRemoveDirectory);
}

Result<> unlink_file(std::uint32_t fd, Address path_at, std::uint32_t length) {
  const DescriptorRef base = TRY(directory(fd, kPathUnlinkFile));
  const std::string path = TRY(load_path(path_at, length));
  const Place place = TRY(find_place(base->fid.get(), path));
  if (is_dots(place.name)) return fail(Errno::isdir);
  if (place.wants_directory) {
    const auto existing = TRY(files::walk(place.directory, place.name));
    return fail(existing.qid.is_directory() ? Errno::isdir : Errno::notdir);
  }
  return files::remove(place.directory, place.name, 0);
}

Result<> rename(std::uint32_t old_fd, Address old_at, std::uint32_t old_length, std::uint32_t new_fd,
                Address new_at, std::uint32_t new_length) {
  const DescriptorRef old_base = TRY(directory(old_fd, kPathRenameSource));
  const DescriptorRef new_base = TRY(directory(new_fd, kPathRenameTarget));
  const std::string old_path = TRY(load_path(old_at, old_length));
  const std::string new_path = TRY(load_path(new_at, new_length));
  const Place from = TRY(find_place(old_base->fid.get(), old_path));
  const Place to = TRY(find_place(new_base->fid.get(), new_path));
  if (is_dots(from.name) || is_dots(to.name)) return fail(Errno::busy);
  if (from.wants_directory || to.wants_directory) {
    const auto source = TRY(files::walk(from.directory, from.name));
    if (!source.qid.is_directory()) return fail(Errno::notdir);
  }
  return files::rename(from.directory, from.name, to.directory, to.name);
}

Result<> symlink(Address old_at, std::uint32_t old_length, std::uint32_t fd, Address new_at,
                 std::uint32_t new_length) {
  const DescriptorRef base = TRY(directory(fd, kPathSymlink));
  const std::string target = TRY(load_path(old_at, old_length));
  const std::string path = TRY(load_path(new_at, new_length));
  if (target.empty()) return fail(Errno::noent);
  if (target.front() == '/') return fail(Errno::perm);  // it would name something on the host
  const Place place = TRY(find_place(base->fid.get(), path));
  if (is_dots(place.name)) return fail(Errno::exist);
  if (place.wants_directory) return fail(creation_error(place));
  return files::make_symlink(place.directory, place.name, target);
}

}  // namespace

WASI_EXPORT(path_create_directory, (std::uint32_t fd, Address path, std::uint32_t length),
            (fd, path, length)) {
  return code(create_directory(fd, path, length));
}
WASI_EXPORT(path_filestat_get,
            (std::uint32_t fd, std::uint32_t flags, Address path, std::uint32_t length, Address at),
            (fd, flags, path, length, at)) {
  return code(filestat_get(fd, flags, path, length, at));
}
WASI_EXPORT(path_filestat_set_times,
            (std::uint32_t fd, std::uint32_t flags, Address path, std::uint32_t length, std::uint64_t atim,
             std::uint64_t mtim, std::uint32_t time_flags),
            (fd, flags, path, length, atim, mtim, time_flags)) {
  return code(filestat_set_times(fd, flags, path, length, atim, mtim, time_flags));
}
WASI_EXPORT(path_link,
            (std::uint32_t old_fd, std::uint32_t flags, Address old_path, std::uint32_t old_length,
             std::uint32_t new_fd, Address new_path, std::uint32_t new_length),
            (old_fd, flags, old_path, old_length, new_fd, new_path, new_length)) {
  return code(link(old_fd, flags, old_path, old_length, new_fd, new_path, new_length));
}
WASI_EXPORT(path_readlink,
            (std::uint32_t fd, Address path, std::uint32_t length, Address buffer,
             std::uint32_t buffer_length, Address used),
            (fd, path, length, buffer, buffer_length, used)) {
  return code(readlink(fd, path, length, buffer, buffer_length, used));
}
WASI_EXPORT(path_remove_directory, (std::uint32_t fd, Address path, std::uint32_t length),
            (fd, path, length)) {
  return code(remove_directory(fd, path, length));
}
WASI_EXPORT(path_rename,
            (std::uint32_t old_fd, Address old_path, std::uint32_t old_length, std::uint32_t new_fd,
             Address new_path, std::uint32_t new_length),
            (old_fd, old_path, old_length, new_fd, new_path, new_length)) {
  return code(rename(old_fd, old_path, old_length, new_fd, new_path, new_length));
}
WASI_EXPORT(path_symlink,
            (Address target, std::uint32_t target_length, std::uint32_t fd, Address path,
             std::uint32_t length),
            (target, target_length, fd, path, length)) {
  return code(symlink(target, target_length, fd, path, length));
}
WASI_EXPORT(path_unlink_file, (std::uint32_t fd, Address path, std::uint32_t length), (fd, path, length)) {
  return code(unlink_file(fd, path, length));
}

}  // namespace nebulet::wasi
