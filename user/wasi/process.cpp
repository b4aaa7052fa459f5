// SPDX-License-Identifier: MIT
// proc_*, sched_yield, random_get, and sock_*, for which no descriptor is right.
#include <algorithm>

#include "abi/sdk/nebulet.h"
#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/descriptors.h"
#include "user/wasi/export.h"

namespace nebulet::wasi {
namespace {

Result<> fill_random(Address buffer, std::uint32_t length) {
  TRY(check_caller(buffer, length));
  std::byte chunk[1024];
  while (length != 0) {
    const auto piece = std::span(chunk).first(std::min<std::size_t>(length, sizeof chunk));
    if (nb_entropy_read(piece.data(), piece.size()) < 0) return fail(Errno::io);
    TRY(write_caller(buffer, piece));
    buffer += static_cast<Address>(piece.size());
    length -= static_cast<std::uint32_t>(piece.size());
  }
  return {};
}

/// Does what the witx text says of the signal: no program can handle one.
Result<> raise(std::uint32_t signal) {
  // clang-format off
  enum : std::uint32_t { kChld = 16, kCont = 17, kStop = 18, kTtou = 21, kUrg = 22, kWinch = 27, kSys = 30 };
  // clang-format on
  if (signal == 0 || signal > kSys) return fail(Errno::inval);
  if (signal == kChld || signal == kCont || signal == kUrg || signal == kWinch) return {};
  if (signal >= kStop && signal <= kTtou) return fail(Errno::notsup);  // nobody could let it go on
  nb_process_exit(128 + signal);
}

/// The answer of a socket function: no descriptor is a socket.
std::int32_t not_a_socket(std::uint32_t fd) {
  const auto descriptor = Descriptors::get().find(fd);
  return static_cast<std::int32_t>(descriptor ? Errno::notsock : descriptor.error());
}

}  // namespace

WASI_EXPORT(random_get, (Address buffer, std::uint32_t length), (buffer, length)) {
  return code(fill_random(buffer, length));
}

// What follows keeps nothing and needs no stack: it does without the lock.
extern "C" __attribute__((export_name("sched_yield"))) std::int32_t wasi_sched_yield() {
  nb_thread_yield();
  return 0;
}

extern "C" __attribute__((export_name("proc_exit"))) void wasi_proc_exit(std::uint32_t status) {
  nb_process_exit(status);
}

/// Of wasi-threads, which programs import from the module `wasi`.
extern "C" __attribute__((export_name("thread-spawn"))) std::int32_t wasi_thread_spawn(
    std::uint32_t argument) {
  const std::int64_t spawned = nb_thread_spawn(argument);
  if (spawned < 0) return -static_cast<std::int32_t>(Errno::again);
  nb_handle_close(static_cast<nb_handle_t>(spawned));
  return static_cast<std::int32_t>(spawned >> 32);
}

WASI_EXPORT(proc_raise, (std::uint32_t signal), (signal)) { return code(raise(signal)); }

WASI_EXPORT(sock_accept, (std::uint32_t fd, std::uint32_t unused1, Address unused2), (fd, unused1, unused2)) {
  return not_a_socket(fd);
}
WASI_EXPORT(sock_recv,
            (std::uint32_t fd, Address unused1, std::uint32_t unused2, std::uint32_t unused3, Address unused4,
             Address unused5),
            (fd, unused1, unused2, unused3, unused4, unused5)) {
  return not_a_socket(fd);
}
WASI_EXPORT(sock_send,
            (std::uint32_t fd, Address unused1, std::uint32_t unused2, std::uint32_t unused3,
             Address unused4),
            (fd, unused1, unused2, unused3, unused4)) {
  return not_a_socket(fd);
}
WASI_EXPORT(sock_shutdown, (std::uint32_t fd, std::uint32_t unused1), (fd, unused1)) {
  return not_a_socket(fd);
}

}  // namespace nebulet::wasi
