// SPDX-License-Identifier: MIT
// The first serial port, a 16550 with FIFOs. Writing polls; reading takes what has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nebulet::machine {

void initialize_serial();
/// Lets arriving bytes interrupt. Requires the APIC.
void enable_serial_interrupt();
void serial_write(std::span<const std::byte> bytes);
void serial_write(std::string_view text);
/// Bytes that have arrived, at most into.size().
std::size_t serial_read(std::span<std::byte> into);

}  // namespace nebulet::machine
