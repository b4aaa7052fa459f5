// SPDX-License-Identifier: MIT
// console.*, log.*
#include <algorithm>
#include <array>

#include "abi/generated/calls.h"
#include "kernel/log/log.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kPiece = 4096;  ///< of a copy through the kernel stack

}  // namespace

Result<std::uint32_t> sys_console_read(CallContext& context, HandleArg<Console, abi::Right::read> console,
                                       GuestOut bytes) {
  std::array<std::byte, kPiece> piece;
  const std::size_t wanted = std::min(bytes.size(), kPiece);
  const std::size_t length = console->read(std::span(piece).first(wanted), context.process.exiting());
  TRY(bytes.write(0, std::span(piece).first(length)));
  return static_cast<std::uint32_t>(length);
}

Result<> sys_console_wait(CallContext& context, HandleArg<Console, abi::Right::read> console,
                          std::uint64_t deadline) {
  if (!console->wait(deadline, context.process.exiting())) return fail(Status::timed_out);
  return {};
}

Result<> sys_console_write(CallContext& context, HandleArg<Console, abi::Right::write> console,
                           abi::ConsoleStream stream, GuestIn bytes) {
  std::array<std::byte, kPiece> piece;
  for (std::uint32_t done = 0; done < bytes.size() && may_go_on(context);) {
    const std::uint32_t length = std::min(bytes.size() - done, kPiece);
    TRY(bytes.read(done, std::span(piece).first(length)));
    console->write(stream, std::span(piece).first(length));
    done += length;
  }
  return {};
}

Result<> sys_log_write(CallContext&, abi::LogLevel level, GuestIn text) {
  std::array<char, kMaxLogLine> line;
  const std::span<char> used = std::span(line).first(std::min<std::size_t>(text.size(), line.size()));
  TRY(text.read(0, std::as_writable_bytes(used)));
  log_line(level, std::string_view(used.data(), used.size()));
  return {};
}

}  // namespace nebulet::kernel
