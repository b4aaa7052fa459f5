// SPDX-License-Identifier: MIT
// Reading and writing of what is no file.
#include "user/wasi/pipe.h"

#include <limits>

#include "base/result.h"
#include "user/wasi/entry.h"

namespace nebulet::wasi {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::shared_ptr<Pipe> Pipe::standard(unsigned number, nb_handle_t handle) {
  if (handle == 0) return nullptr;
  const auto type = nb_handle_info(handle, NB_HANDLE_PROPERTY_OBJECT_TYPE);
  if (type == NB_OBJECT_CONSOLE)
    return std::make_shared<Pipe>(static_cast<Kind>(static_cast<unsigned>(Kind::console_input) + number),
                                  handle);
  if (type != NB_OBJECT_STREAM) return nullptr;
  const auto rights = nb_handle_info(handle, NB_HANDLE_PROPERTY_RIGHTS);
  return std::make_shared<Pipe>((rights & NB_RIGHT_READ) != 0 ? Kind::stream_input : Kind::stream_output,
                                handle);
}

Pipe::~Pipe() {
  // The console's handle serves three descriptors, and programs that use it without WASI.
  if (is_stream()) nb_handle_close(handle_);
}

Result<std::size_t> Pipe::read(std::span<std::byte> into, Waiting waiting) const {
  if (into.empty()) return 0;
  if (is_stream()) return read_stream(into, waiting);
  if (waiting == Waiting::no && nb_console_wait(handle_, 0) == NB_STATUS_TIMED_OUT) return fail(Errno::again);
  TRY(OthersGoOn::prepare());
  const OthersGoOn guard;
  const int64_t count = nb_console_read(handle_, into.data(), into.size());
  if (count < 0) return fail(Errno::io);
  return static_cast<std::size_t>(count);
}

Result<> Pipe::wait(std::uint32_t signal) const {
  TRY(OthersGoOn::prepare());
  const OthersGoOn guard;
  if (nb_object_wait(handle_, signal | NB_SIGNAL_PEER_CLOSED, kForever) < 0) return fail(Errno::io);
  return {};
}

Result<std::size_t> Pipe::read_stream(std::span<std::byte> into, Waiting waiting) const {
  while (true) {
    const int64_t count = nb_stream_read(handle_, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (count != NB_STATUS_SHOULD_WAIT) return fail(Errno::io);
    if (waiting == Waiting::no) return fail(Errno::again);
    TRY(wait(NB_SIGNAL_READABLE));
  }
}

Result<std::size_t> Pipe::write(std::span<const std::byte> from, Waiting waiting) const {
  if (is_stream()) return write_stream(from, waiting);
  const nb_console_stream_t stream =
      kind_ == Kind::console_errors ? NB_CONSOLE_STREAM_ERR : NB_CONSOLE_STREAM_OUT;
  TRY(OthersGoOn::prepare());
  const OthersGoOn guard;
  if (nb_console_write(handle_, stream, from.data(), from.size()) < 0) return fail(Errno::io);
  return from.size();
}

Result<std::size_t> Pipe::write_stream(std::span<const std::byte> from, Waiting waiting) const {
  std::size_t done = 0;
  while (done < from.size()) {
    const auto rest = from.subspan(done);
    const int64_t count = nb_stream_write(handle_, rest.data(), rest.size());
    Errno error = Errno::io;
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
      continue;
    }
    if (count == NB_STATUS_PEER_CLOSED) error = Errno::pipe;
    if (count == NB_STATUS_SHOULD_WAIT) {
      error = Errno::again;
      if (waiting == Waiting::yes && wait(NB_SIGNAL_WRITABLE)) continue;
    }
    if (done != 0) break;
    return fail(error);
  }
  return done;
}

}  // namespace nebulet::wasi
