// SPDX-License-Identifier: MIT
// fd_read, fd_write, fd_pread, fd_pwrite, fd_readdir: bytes between the program's memory and files or pipes.
#include <algorithm>

#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"
#include "user/wasi/filestat.h"

namespace nebulet::wasi {
namespace {

Pipe::Waiting waiting_of(const Descriptor& descriptor) {
  return (descriptor.flags & kNonblock) != 0 ? Pipe::Waiting::no : Pipe::Waiting::yes;
}

Result<std::uint32_t> read_pipe(const Descriptor& descriptor, Vectors& vectors) {
  const auto space = call_buffer().first(std::min<std::size_t>(vectors.total(), kCallBuffer));
  const auto read = descriptor.pipe->read(space, waiting_of(descriptor));
  forget_read_ahead();
  const std::size_t count = TRY(read);
  return static_cast<std::uint32_t>(TRY(vectors.scatter(space.first(count))));
}

/// Stops where the pipe does; an error counts only if nothing was written before it.
Result<std::uint32_t> write_pipe(const Descriptor& descriptor, Vectors& vectors) {
  const Pipe::Waiting waiting = waiting_of(descriptor);
  std::uint32_t done = 0;
  while (true) {
    const std::size_t count = TRY(vectors.gather(call_buffer()));
    if (count == 0) return done;
    const auto written = descriptor.pipe->write(call_buffer().first(count), waiting);
    if (!written && done == 0) return fail(written.error());
    if (!written) return done;
    done += static_cast<std::uint32_t>(*written);
    if (*written < count) return done;
  }
}

/// Gives each piece of what the vectors describe to `put`, which tells how much of it was written. Stops
/// after less than all or an error, which counts only if nothing was written before.
template <class Put>
Result<std::uint32_t> write_pieces(files::Fid fid, Vectors& vectors, Put put) {
  std::uint32_t done = 0;
  while (true) {
    const std::size_t count = TRY(vectors.gather(files::write_buffer(fid)));
    if (count == 0) break;
    const Result<std::uint32_t> written = put(done, static_cast<std::uint32_t>(count));
    if (!written && done == 0) return fail(written.error());
    if (!written) break;
    done += *written;
    if (*written < count) break;
  }
  return done;
}

Result<std::uint32_t> write_file(files::Fid fid, std::uint64_t offset, Vectors& vectors) {
  return write_pieces(fid, vectors, [&](std::uint32_t done, std::uint32_t count) {
    return files::write(fid, offset + done, count);
  });
}

/// Leaves the position behind what was written, wherever the file ended.
Result<std::uint32_t> append_to_file(Descriptor& descriptor, Vectors& vectors) {
  const files::Fid fid = descriptor.fid.get();
  return write_pieces(fid, vectors, [&](std::uint32_t, std::uint32_t count) -> Result<std::uint32_t> {
    const auto appended = TRY(files::append(fid, count));
    descriptor.offset = appended.size.value_or(descriptor.offset + appended.written);
    return appended.written;
  });
}

Result<> read(std::uint32_t fd, Address iovecs, std::uint32_t count, Address result) {
  const DescriptorRef descriptor = TRY(Descriptors::get().find(fd, kFdRead));
  Vectors vectors;
  TRY(vectors.load(iovecs, count));
  TRY(check_caller(result, sizeof(std::uint32_t)));
  if (descriptor->kind == Descriptor::Kind::pipe) return store(result, TRY(read_pipe(*descriptor, vectors)));
  const auto turn = TRY(descriptor->turn.take());
  const std::uint32_t done = TRY(descriptor->ahead.read(descriptor->fid.get(), descriptor->offset, vectors));
  descriptor->offset += done;
  return store(result, done);
}

Result<> sync_if_asked(const Descriptor& descriptor) {
  if ((descriptor.flags & (kSync | kDsync)) == 0) return {};
  return files::sync(descriptor.fid.get(), (descriptor.flags & kSync) == 0);
}

Result<> write(std::uint32_t fd, Address iovecs, std::uint32_t count, Address result) {
  const DescriptorRef descriptor = TRY(Descriptors::get().find(fd, kFdWrite));
  Vectors vectors;
  TRY(vectors.load(iovecs, count));
  TRY(check_caller(result, sizeof(std::uint32_t)));
  if (descriptor->kind == Descriptor::Kind::pipe) return store(result, TRY(write_pipe(*descriptor, vectors)));
  const auto turn = TRY(descriptor->turn.take());
  std::uint32_t done = 0;
  if ((descriptor->flags & kAppend) != 0) {
    done = TRY(append_to_file(*descriptor, vectors));
  } else {
    done = TRY(write_file(descriptor->fid.get(), descriptor->offset, vectors));
    descriptor->offset += done;
  }
  TRY(sync_if_asked(*descriptor));
  return store(result, done);
}

/// Positions are for files only, and end where a signed 64-bit number does.
Result<DescriptorRef> positioned(std::uint32_t fd, Rights rights, std::uint64_t offset) {
  DescriptorRef descriptor = TRY(Descriptors::get().find(fd, rights));
  if (descriptor->kind != Descriptor::Kind::file) return fail(Errno::spipe);
  if (offset > INT64_MAX) return fail(Errno::inval);
  return descriptor;
}

Result<> pread(std::uint32_t fd, Address iovecs, std::uint32_t count, std::uint64_t offset, Address result) {
  const DescriptorRef descriptor = TRY(positioned(fd, kFdRead, offset));
  Vectors vectors;
  TRY(vectors.load(iovecs, count));
  return store(result, TRY(read_file(descriptor->fid.get(), offset, vectors.total(), vectors)));
}

Result<> pwrite(std::uint32_t fd, Address iovecs, std::uint32_t count, std::uint64_t offset, Address result) {
  const DescriptorRef descriptor = TRY(positioned(fd, kFdWrite, offset));
  Vectors vectors;
  TRY(vectors.load(iovecs, count));
  TRY(check_caller(result, sizeof(std::uint32_t)));
  const std::uint32_t done = TRY(write_file(descriptor->fid.get(), offset, vectors));
  TRY(sync_if_asked(*descriptor));
  return store(result, done);
}

/// Copies bytes to the program until its buffer is full; the last entry may be cut, which tells the program
/// to ask again.
class DirectoryOutput {
 public:
  DirectoryOutput(Address buffer, std::uint32_t length) : buffer_(buffer), length_(length) {}

  bool is_full() const { return used_ == length_; }
  std::uint32_t used() const { return used_; }
  Result<> put(std::span<const std::byte> bytes) {
    const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), length_ - used_));
    TRY(write_caller(buffer_ + used_, piece));
    used_ += static_cast<std::uint32_t>(piece.size());
    return {};
  }

 private:
  Address buffer_;
  std::uint32_t length_;
  std::uint32_t used_ = 0;
};

/// What a file server must not have in names.
constexpr std::string_view kNoNameBytes("/\0", 2);

Result<> readdir(std::uint32_t fd, Address buffer, std::uint32_t length, std::uint64_t cookie,
                 Address result) {
  const DescriptorRef descriptor = TRY(Descriptors::get().directory(fd, kFdReaddir));
  TRY(check_caller(buffer, length));
  TRY(check_caller(result, sizeof(std::uint32_t)));
  const files::Fid listing = TRY(Descriptors::get().listing(*descriptor));
  DirectoryOutput output(buffer, length);
  while (!output.is_full()) {
    ninep::Reader entries(TRY(files::read_directory(listing, cookie)));
    if (entries.at_end()) break;
    while (!entries.at_end() && !output.is_full()) {
      const ninep::Qid qid = entries.qid();
      const std::uint64_t next = entries.u64();
      entries.u8();
      const std::string_view name = entries.string();
      if (!entries.ok() || name.empty() || name.find_first_of(kNoNameBytes) != std::string_view::npos)
        return fail(Errno::io);
      const Dirent entry{.next = next,
                         .inode = qid.path,
                         .name_length = static_cast<std::uint32_t>(name.size()),
                         .type = file_type(qid)};
      TRY(output.put(std::as_bytes(std::span(&entry, 1))));
      TRY(output.put(std::as_bytes(std::span(name))));
      cookie = next;
    }
  }
  return store(result, output.used());
}

}  // namespace

WASI_EXPORT(fd_read, (std::uint32_t fd, Address iovecs, std::uint32_t count, Address result),
            (fd, iovecs, count, result)) {
  return code(read(fd, iovecs, count, result));
}
WASI_EXPORT(fd_write, (std::uint32_t fd, Address iovecs, std::uint32_t count, Address result),
            (fd, iovecs, count, result)) {
  return code(write(fd, iovecs, count, result));
}
WASI_EXPORT(fd_pread,
            (std::uint32_t fd, Address iovecs, std::uint32_t count, std::uint64_t offset, Address result),
            (fd, iovecs, count, offset, result)) {
  return code(pread(fd, iovecs, count, offset, result));
}
WASI_EXPORT(fd_pwrite,
            (std::uint32_t fd, Address iovecs, std::uint32_t count, std::uint64_t offset, Address result),
            (fd, iovecs, count, offset, result)) {
  return code(pwrite(fd, iovecs, count, offset, result));
}
WASI_EXPORT(fd_readdir,
            (std::uint32_t fd, Address buffer, std::uint32_t length, std::uint64_t cookie, Address result),
            (fd, buffer, length, cookie, result)) {
  return code(readdir(fd, buffer, length, cookie, result));
}

}  // namespace nebulet::wasi
