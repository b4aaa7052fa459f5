// SPDX-License-Identifier: MIT
// The console: plain text over the serial port, or packets for the host's tool (docs/reference/link.md) over
// a virtio port, else over the serial port.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace nebulet::machine {

enum class ConsoleMode : std::uint8_t { text, link };
/// Until this is called the console is text. In link mode, looks for the port and sends the magic line.
void initialize_console(ConsoleMode mode);
/// For the panic, which may have interrupted a writer: from here on nobody waits for the console, and the log
/// goes to the serial port too.
void break_console_lock();
/// What the host's tool knows and a machine may not: the time to the nanosecond, and randomness.
struct HostFacts {
  std::uint64_t realtime_ns = 0;
  std::array<std::byte, 32> seed = {};
};
/// Asks the tool and waits for its answer. nullopt: there is none, or it does not say.
std::optional<HostFacts> ask_host();
/// Tells the host's tool the status, if there is one, and waits until it is on its way.
void send_exit_status(int status);

}  // namespace nebulet::machine
