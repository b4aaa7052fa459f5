// SPDX-License-Identifier: MIT
// A port of a virtio console device (virtio 1.2, 5.3) as a pipe to the host's tool: the device's first port
// that is no terminal. Writing polls; one writer and one reader at a time.
#pragma once

#include <cstddef>
#include <span>

namespace nebulet::machine {

/// False: there is no such port. Requires the clock, the APIC and memory.
bool open_virtio_port();
/// What is written goes out in whole buffers, the rest of it with the flush.
void virtio_port_write(std::span<const std::byte> bytes);
void virtio_port_flush();
/// Waits until the device has taken everything.
void virtio_port_drain();
/// Bytes that have arrived, at most into.size().
std::size_t virtio_port_read(std::span<std::byte> into);
/// In the interrupt's handler.
void acknowledge_virtio_interrupt();

}  // namespace nebulet::machine
