// SPDX-License-Identifier: MIT
// The serial port as the console: plain text, or packets for the host's tool (docs/reference/link.md).
#pragma once

#include <cstdint>

namespace nebulet::machine {

enum class ConsoleMode : std::uint8_t { text, link };
/// In link mode, sends the magic line.
void initialize_console(ConsoleMode mode);
/// For the panic, which may have interrupted a writer: from here on nobody waits for the console.
void break_console_lock();
/// Tells the host's tool the status, if there is one.
void send_exit_status(int status);

}  // namespace nebulet::machine
