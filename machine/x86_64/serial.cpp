// SPDX-License-Identifier: MIT
#include "machine/x86_64/serial.h"

#include <algorithm>

#include "machine/x86_64/acpi.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/io_apic.h"

namespace nebulet::machine {
namespace {

constexpr std::uint16_t kPort = 0x3f8, kPorts = 8;
enum Register : std::uint16_t {
  kData = 0,
  kInterruptEnable = 1,
  kFifo = 2,
  kLine = 3,
  kModem = 4,
  kLineStatus = 5,
  kScratch = 7
};
constexpr std::uint8_t kHasData = 1, kTransmitterEmpty = 0x20;
constexpr std::size_t kFifoSize = 16;

bool g_present = false;

}  // namespace

void initialize_serial() {
  out8(kPort + kScratch, 0x5a);
  g_present = in8(kPort + kScratch) == 0x5a;
  if (!g_present) return;
  out8(kPort + kInterruptEnable, 0);
  out8(kPort + kLine, 0x80);  // the divisor's registers
  out8(kPort + kData, 1);     // 115200
  out8(kPort + kInterruptEnable, 0);
  out8(kPort + kLine, 3);     // 8 bits, no parity, one stop bit
  out8(kPort + kFifo, 0x07);  // FIFOs on and empty; interrupt at the first byte
  out8(kPort + kModem, 0x0b);
}

void enable_serial_interrupt() {
  if (!g_present) return;
  claim_device(DeviceSpace::ports, kPort, kPorts);
  claim_interrupt(isa_interrupt(4).input);
  route_interrupt(isa_interrupt(4), kSerial);  // without it, input is found by polling
  out8(kPort + kInterruptEnable, 1);
}

void serial_write(std::span<const std::byte> bytes) {
  if (!g_present) return;
  while (!bytes.empty()) {
    while (!(in8(kPort + kLineStatus) & kTransmitterEmpty)) __builtin_ia32_pause();
    const std::size_t part = std::min(bytes.size(), kFifoSize);
    const std::byte* from = bytes.data();
    std::size_t count = part;
    asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(kPort) : "memory");
    bytes = bytes.subspan(part);
  }
}

void serial_write(std::string_view text) { serial_write(std::as_bytes(std::span(text))); }

std::size_t serial_read(std::span<std::byte> into) {
  if (!g_present) return 0;
  std::size_t count = 0;
  while (count < into.size() && (in8(kPort + kLineStatus) & kHasData))
    into[count++] = static_cast<std::byte>(in8(kPort));
  return count;
}

}  // namespace nebulet::machine
