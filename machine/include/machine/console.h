// SPDX-License-Identifier: MIT
// The machine's way to its user: the program's three byte streams, the kernel's log, what the kernel tells
// the host's tool, and requests for files. Bare: packets over a virtio or serial port when the command line
// says console=link, plain text otherwise. Hosted: the process's descriptors. See docs/reference/link.md for
// the packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "machine/include/machine/link.h"

namespace nebulet::machine {

/// The last ones are for the host's tool: the results of an invoked function, lines that say how far the
/// kernel is, records of a trace, names of code, core dumps. Without a tool, results are output and the
/// others are dropped.
enum class ConsoleStream : std::uint8_t {
  out = static_cast<std::uint8_t>(link::Packet::out),
  err = static_cast<std::uint8_t>(link::Packet::err),
  log = static_cast<std::uint8_t>(link::Packet::log),
  results = static_cast<std::uint8_t>(link::Packet::results),
  progress = static_cast<std::uint8_t>(link::Packet::progress),
  trace = static_cast<std::uint8_t>(link::Packet::trace),
  names = static_cast<std::uint8_t>(link::Packet::names),
  core = static_cast<std::uint8_t>(link::Packet::core),
};

/// Writes all of `bytes`; may wait for the device. Callable in any context (panic too).
void console_write(ConsoleStream stream, std::span<const std::byte> bytes);

/// Reads what there is of the program's input, at most `into.size()`. nullopt: nothing yet, try again after
/// wait_for_interrupt; 0: end of input. One caller at a time.
std::optional<std::size_t> console_read(std::span<std::byte> into);

/// One 9P2000.L message to the host's file server and its answer. Usage: `files_send(request)`, then
/// `files_receive(reply)` until it returns a value (the length). One request at a time. False: this machine
/// has no file server.
bool files_send(std::span<const std::byte> request);
std::optional<std::size_t> files_receive(std::span<std::byte> reply);

/// Ends the machine with this exit status (see design: 0 … 255). Powers off when bare.
[[noreturn]] void shut_down(int status);

}  // namespace nebulet::machine
