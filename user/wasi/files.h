// SPDX-License-Identifier: MIT
// The client of 9P2000.L file servers (server.h): one function per message or exchange of several
// (exchange.h), errors as WASI's. Other threads' calls go on meanwhile: what a call uses it has a reference
// to, fids too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "abi/sdk/nebulet.h"
#include "user/sdk/ninep.h"
#include "user/wasi/types.h"

namespace nebulet::wasi::files {

using Fid = std::uint32_t;

/// A fid that is given back to the server when its owner goes.
class OwnedFid {
 public:
  OwnedFid() = default;
  explicit OwnedFid(Fid fid) : fid_(fid) {}
  OwnedFid(OwnedFid&& other) noexcept : fid_(other.release()) {}
  OwnedFid& operator=(OwnedFid&& other) noexcept {
    std::swap(fid_, other.fid_);
    return *this;
  }
  ~OwnedFid();

  explicit operator bool() const { return fid_ != ninep::kNoFid; }
  Fid get() const { return fid_; }
  Fid release() { return std::exchange(fid_, ninep::kNoFid); }

 private:
  Fid fid_ = ninep::kNoFid;
};

struct Target {
  OwnedFid fid;
  ninep::Qid qid;
};

/// The root of the tree that the server behind a handle exports under `name`.
Result<Target> attach(nb_handle_t server, std::string_view name);
/// The root of a new file system in the library's memory, which may take `quota` bytes.
Result<Target> attach_memory(std::string_view name, std::uint64_t quota);
/// A fid for the file that the names lead to from `from` (at most 16; none: a copy of `from`). The server
/// follows no symbolic link, so a link on the way is `notdir`.
Result<Target> walk(Fid from, std::span<const std::string_view> names);
Result<Target> walk(Fid from, std::string_view name);

/// The attributes of what the names lead to.
Result<ninep::Attributes> walk_to_attributes(Fid from, std::span<const std::string_view> names);
struct Opened {
  Target target;
  Errno error;  // of the opening; the target is there all the same
};
/// Walks and opens. Links and directories too, as far as the server does.
Result<Opened> walk_and_open(Fid from, std::span<const std::string_view> names, std::uint32_t flags);
/// Walks to a directory and makes a file in it, whose fid is returned.
Result<OwnedFid> walk_and_create(Fid from, std::span<const std::string_view> directory, std::string_view name,
                                 std::uint32_t flags, std::uint32_t mode);

/// Opens what the fid names, for reading or writing as `flags` (ninep::kOpen…) say.
Result<> open(Fid fid, std::uint32_t flags);
/// Creates and opens `name` in the directory; the fid then names the new file.
Result<> create(Fid directory, std::string_view name, std::uint32_t flags, std::uint32_t mode);

/// Reads at most `count` bytes and at most what one message holds. The bytes stay valid until the
/// call's next message.
Result<std::span<const std::byte>> read(Fid fid, std::uint64_t offset, std::uint32_t count);
std::uint32_t most_read(Fid fid);
/// Where the bytes of the next `write` are put by the caller.
std::span<std::byte> write_buffer(Fid fid);
/// Writes the first `count` bytes of `write_buffer`; returns how many the server took.
Result<std::uint32_t> write(Fid fid, std::uint64_t offset, std::uint32_t count);
struct Appended {
  std::uint32_t written;
  std::optional<std::uint64_t> size = std::nullopt;  // of the file, right after that
};
/// The same at the file's end, whatever others write meanwhile.
Result<Appended> append(Fid fid, std::uint32_t count);
/// Directory entries from `offset` on, as the message has them: qid, offset[8], type[1], name.
Result<std::span<const std::byte>> read_directory(Fid fid, std::uint64_t offset);

struct TimeChange {
  std::uint32_t valid = 0;  // ninep::kSet…
  std::uint64_t atime = 0;  // nanoseconds
  std::uint64_t mtime = 0;
};

Result<ninep::Attributes> attributes(Fid fid);
Result<> set_size(Fid fid, std::uint64_t size);
/// Sees to it that the file has space for this range, and is at least as large.
Result<> allocate(Fid fid, std::uint64_t offset, std::uint64_t length);
Result<> set_times(Fid fid, const TimeChange& change);
Result<> sync(Fid fid, bool data_only);
Result<std::string> read_link(Fid fid);

Result<> make_directory(Fid directory, std::string_view name);
Result<> make_symlink(Fid directory, std::string_view name, std::string_view target);
Result<> link(Fid directory, std::string_view name, Fid file);
Result<> rename(Fid from_directory, std::string_view from, Fid to_directory, std::string_view to);
Result<> remove(Fid directory, std::string_view name, std::uint32_t flags);

}  // namespace nebulet::wasi::files
