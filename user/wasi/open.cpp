// SPDX-License-Identifier: MIT
// path_open.
#include <optional>
#include <vector>

#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"
#include "user/wasi/path.h"

namespace nebulet::wasi {
namespace {

using files::Fid;
using files::OwnedFid;
using files::Target;

struct Request {
  std::uint32_t lookup_flags;
  std::uint32_t oflags;
  Rights base;
  Rights inheriting;
  std::uint32_t fd_flags;

  bool has(std::uint32_t oflag) const { return (oflags & oflag) != 0; }
  bool reads() const { return (base & (kFdRead | kFdReaddir)) != 0; }
  bool writes() const { return (base & (kFdWrite | kFdAllocate | kFdSetSize)) != 0; }
  std::uint32_t access() const {
    if (!writes()) return ninep::kOpenRead;
    return reads() ? ninep::kOpenReadWrite : ninep::kOpenWrite;
  }
  std::uint32_t creation() const { return access() | ninep::kOpenCreate | ninep::kOpenExclusive; }
};

constexpr std::uint32_t kMode = 0666;  // of new files

DescriptorRef descriptor_for(const Request& request, Descriptor::Kind kind, OwnedFid fid) {
  auto descriptor = std::make_shared<Descriptor>();
  descriptor->kind = kind;
  descriptor->flags = static_cast<std::uint16_t>(request.fd_flags);
  const bool is_file = kind == Descriptor::Kind::file;
  descriptor->base = request.base & (is_file ? kFileRights : kDirectoryRights);
  // What a file can hand down is nothing, but programs compare the value with what they asked for.
  descriptor->inheriting = request.inheriting & (is_file ? kFileRights : kPathRights);
  descriptor->fid = std::move(fid);
  return descriptor;
}

Result<DescriptorRef> open_existing(const Request& request, Target target) {
  if (target.qid.is_symlink()) return fail(Errno::loop);
  if (target.qid.is_directory()) {
    if ((request.base & kFdWrite) != 0 || request.has(kTruncate) || request.has(kCreate))
      return fail(Errno::isdir);
    return descriptor_for(request, Descriptor::Kind::directory, std::move(target.fid));
  }
  if (request.has(kDirectory)) return fail(Errno::notdir);
  TRY(files::open(target.fid.get(), request.access()));
  if (request.has(kTruncate)) TRY(files::set_size(target.fid.get(), 0));
  return descriptor_for(request, Descriptor::Kind::file, std::move(target.fid));
}

/// What one exchange found and opened. nullopt: it is no file.
std::optional<Result<DescriptorRef>> open_found(const Request& request, files::Opened opened) {
  if (opened.target.qid.is_symlink() || opened.target.qid.is_directory()) return std::nullopt;
  if (opened.error != Errno::success) return fail(opened.error);
  if (request.has(kTruncate) && !request.writes())
    if (const auto done = files::set_size(opened.target.fid.get(), 0); !done) return fail(done.error());
  return descriptor_for(request, Descriptor::Kind::file, std::move(opened.target.fid));
}

/// Creates the file that `path` names. A dangling link as the last component is replaced in `path` by what it
/// points to, with `again`; so is a file that somebody else created meanwhile.
Result<DescriptorRef> create(const Request& request, Fid base, std::string& path) {
  Place place = TRY(find_place(base, path));
  if (place.wants_directory || place.name == "." || place.name == "..") return fail(Errno::isdir);
  if (!place.walked)  // the message makes the fid the new file's
    place.walked = std::move(TRY(files::walk(base, std::span<const std::string_view>())).fid);
  const auto created = files::create(place.walked.get(), place.name, request.creation(), kMode);
  if (created) return descriptor_for(request, Descriptor::Kind::file, std::move(place.walked));
  if (created.error() != Errno::exist || request.has(kExclusive)) return fail(created.error());
  const auto existing = files::walk(place.walked.get(), place.name);
  if (!existing || !existing->qid.is_symlink()) return fail(Errno::again);
  if ((request.lookup_flags & kSymlinkFollow) == 0) return fail(Errno::loop);
  const std::string target = TRY(files::read_link(existing->fid.get()));
  if (target.empty() || target.front() == '/') return fail(Errno::perm);
  path = std::string(place.prefix) + target;
  return fail(Errno::again);
}

/// Of what must not be there, not even as a dangling link.
Result<DescriptorRef> create_exclusively(const Request& request, Fid base, std::string path) {
  auto created = create(request, base, path);
  if (created || created.error() != Errno::isdir) return created;
  if (find(base, path, Links::keep)) return fail(Errno::exist);
  return created;
}

/// The usual cases in one exchange with the server: a file that is there, or that is made. nullopt: it is
/// some other case, and nothing has happened.
std::optional<Result<DescriptorRef>> open_plain(const Request& request, Fid base, std::string_view path) {
  std::vector<std::string_view> names;
  if (request.has(kDirectory) || !split_plain(path, names)) return std::nullopt;
  if (!request.has(kCreate) || !request.has(kExclusive)) {
    const bool truncates = request.has(kTruncate) && request.writes();
    auto opened =
        files::walk_and_open(base, names, request.access() | (truncates ? ninep::kOpenTruncate : 0));
    if (opened) return open_found(request, std::move(*opened));
    // A walk that ends early says no more than `notdir`.
    if (opened.error() != Errno::noent && opened.error() != Errno::notdir) return std::nullopt;
    if (!request.has(kCreate)) {
      if (names.size() != 1) return std::nullopt;
      return fail(opened.error());
    }
  }
  const auto directory = std::span(names).first(names.size() - 1);
  auto made = files::walk_and_create(base, directory, names.back(), request.creation(), kMode);
  if (!made) return std::nullopt;
  return descriptor_for(request, Descriptor::Kind::file, std::move(*made));
}

Result<DescriptorRef> open_or_create(const Request& request, Fid base, std::string path) {
  if (auto opened = open_plain(request, base, path)) return std::move(*opened);
  if (request.has(kCreate) && request.has(kExclusive))
    return create_exclusively(request, base, std::move(path));
  const bool follow = (request.lookup_flags & kSymlinkFollow) != 0;
  constexpr int kAttempts = 40;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    auto target = find(base, path, follow ? Links::follow : Links::keep);
    if (target) return open_existing(request, std::move(*target));
    if (!request.has(kCreate) || target.error() != Errno::noent) return fail(target.error());
    auto created = create(request, base, path);
    if (created || created.error() != Errno::again) return created;
  }
  return fail(Errno::loop);
}

Result<> check(const Request& request, const Descriptor& directory) {
  if ((request.lookup_flags & ~kSymlinkFollow) != 0 || (request.oflags & ~kAllOflags) != 0 ||
      (request.fd_flags & ~kAllFdFlags) != 0)
    return fail(Errno::inval);
  if (request.has(kCreate) && request.has(kDirectory)) return fail(Errno::inval);
  Rights handed_down = request.base | request.inheriting;
  if ((request.fd_flags & kDsync) != 0) handed_down |= kFdDatasync;
  if ((request.fd_flags & (kSync | kRsync)) != 0) handed_down |= kFdSync;
  const Rights needed =
      (request.has(kCreate) ? kPathCreateFile : 0) | (request.has(kTruncate) ? kPathSetSize : 0);
  if ((needed & ~directory.base) != 0 || (handed_down & ~directory.inheriting) != 0)
    return fail(Errno::notcapable);
  if (request.has(kDirectory) && (request.base & kFdWrite) != 0) return fail(Errno::isdir);
  return {};
}

Result<> open(std::uint32_t fd, Request request, Address path_at, std::uint32_t length, Address result) {
  const DescriptorRef directory = TRY(Descriptors::get().directory(fd, kPathOpen));
  // Other bits grant nothing here; some programs ask for all ones.
  request.base &= kPathRights;
  request.inheriting &= kPathRights;
  TRY(check(request, *directory));
  TRY(check_caller(result, sizeof(std::uint32_t)));
  std::string path = TRY(load_path(path_at, length));
  auto descriptor = TRY(open_or_create(request, directory->fid.get(), std::move(path)));
  return store(result, TRY(Descriptors::get().insert(std::move(descriptor))));
}

}  // namespace

WASI_EXPORT(path_open,
            (std::uint32_t fd, std::uint32_t lookup_flags, Address path, std::uint32_t length,
             std::uint32_t oflags, Rights base, Rights inheriting, std::uint32_t fd_flags, Address result),
            (fd, lookup_flags, path, length, oflags, base, inheriting, fd_flags, result)) {
  return code(open(fd, {lookup_flags, oflags, base, inheriting, fd_flags}, path, length, result));
}

}  // namespace nebulet::wasi
