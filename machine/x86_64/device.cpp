// SPDX-License-Identifier: MIT
#include "machine/x86_64/device.h"

#include "base/assert.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/io_apic.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/pci.h"

namespace nebulet::machine {
namespace {

constexpr std::uint64_t kPorts = 1 << 16, kPciSize = std::uint64_t{kPciFunctionBytes} << 16;

struct Claim {
  DeviceSpace space;
  std::uint64_t base, end;
};
constexpr std::size_t kMaxClaims = 64;
Claim g_claims[kMaxClaims];
std::size_t g_claim_count = 0;
bool g_line_claimed[kInterruptLines];

/// What belongs to the processor or to powering off, and is worked without being opened.
constexpr Claim kAlways[] = {
    {DeviceSpace::ports, 0x20, 0x22},    // the interrupt controllers
    {DeviceSpace::ports, 0xa0, 0xa2},    // likewise
    {DeviceSpace::ports, 0xcf9, 0xcfa},  // reset
};

bool overlaps(const Claim& claim, DeviceSpace space, std::uint64_t base, std::uint64_t end) {
  return claim.space == space && base < claim.end && claim.base < end;
}

/// What is mapped stays, so after the first time this takes no lock and may be done in an interrupt.
volatile std::byte* pointer_to(std::uint64_t at) {
  if (!is_readable(kRegisters + at) && !map_register(at)) return nullptr;
  return reinterpret_cast<volatile std::byte*>(kRegisters + at);
}

template <class T>
volatile T& as(volatile std::byte* at) {
  return *reinterpret_cast<volatile T*>(at);
}

}  // namespace

void claim_device(DeviceSpace space, std::uint64_t base, std::uint64_t count) {
  NB_ASSERT(g_claim_count < kMaxClaims);
  g_claims[g_claim_count++] = {space, base, base + count};
}

void claim_interrupt(std::uint32_t line) {
  if (line < kInterruptLines) g_line_claimed[line] = true;
}

bool is_for_drivers(DeviceSpace space, std::uint64_t base, std::uint64_t count) {
  if (space == DeviceSpace::pci) return base < kPciSize && count <= kPciSize - base;
  const std::uint64_t size = space == DeviceSpace::ports ? kPorts : kRegistersSize;
  if (base >= size || count > size - base) return false;
  const std::uint64_t end = base + count;
  for (const Claim& claim : kAlways)
    if (overlaps(claim, space, base, end)) return false;
  if (is_claimed(space, base, count)) return false;
  return space == DeviceSpace::ports || !is_memory(base, end);
}

bool is_claimed(DeviceSpace space, std::uint64_t base, std::uint64_t count) {
  for (std::size_t i = 0; i < g_claim_count; ++i)
    if (overlaps(g_claims[i], space, base, base + count)) return true;
  return false;
}

std::uint32_t read_port(std::uint16_t port, unsigned bytes) {
  return bytes == 1 ? in8(port) : bytes == 2 ? in16(port) : in32(port);
}
void write_port(std::uint16_t port, unsigned bytes, std::uint32_t value) {
  if (bytes == 1) out8(port, static_cast<std::uint8_t>(value));
  if (bytes == 2) out16(port, static_cast<std::uint16_t>(value));
  if (bytes == 4) out32(port, value);
}

bool read_register(PhysicalAddress at, unsigned bytes, std::uint32_t& value) {
  volatile std::byte* from = pointer_to(at);
  if (from == nullptr) return false;
  value = bytes == 1   ? static_cast<std::uint32_t>(as<std::uint8_t>(from))
          : bytes == 2 ? as<std::uint16_t>(from)
                       : as<std::uint32_t>(from);
  return true;
}
bool write_register(PhysicalAddress at, unsigned bytes, std::uint32_t value) {
  volatile std::byte* to = pointer_to(at);
  if (to == nullptr) return false;
  if (bytes == 1) as<std::uint8_t>(to) = static_cast<std::uint8_t>(value);
  if (bytes == 2) as<std::uint16_t>(to) = static_cast<std::uint16_t>(value);
  if (bytes == 4) as<std::uint32_t>(to) = value;
  return true;
}

bool read_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t& value) {
  switch (space) {
    case DeviceSpace::ports: value = read_port(static_cast<std::uint16_t>(at), bytes); return true;
    case DeviceSpace::memory: return read_register(at, bytes, value);
    case DeviceSpace::pci:
      value = ~0u >> (32 - 8 * bytes);
      return is_claimed(space, at, bytes) || read_pci(at, bytes, value);
  }
}

bool write_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t value) {
  switch (space) {
    case DeviceSpace::ports: write_port(static_cast<std::uint16_t>(at), bytes, value); return true;
    case DeviceSpace::memory: return write_register(at, bytes, value);
    case DeviceSpace::pci: return is_claimed(space, at, bytes) || write_pci(at, bytes, value);
  }
}

std::uint32_t isa_interrupt_line(std::uint32_t number, InterruptTrigger& trigger) {
  const InterruptLine line = isa_interrupt(number);
  trigger = {.low = line.low, .level = line.level};
  return line.input;
}

bool connect_interrupt(std::uint32_t line, InterruptTrigger trigger) {
  if (line >= kInterruptLines || g_line_claimed[line]) return false;
  return route_interrupt({line, trigger.low, trigger.level}, static_cast<std::uint8_t>(kFirstLine + line),
                         true);
}

void mask_interrupt(std::uint32_t line) { set_interrupt_mask(line, true); }
void unmask_interrupt(std::uint32_t line) { set_interrupt_mask(line, false); }

// Intel SDM volume 3, 10.11: fixed delivery, edge.
InterruptMessage interrupt_message(std::uint32_t interrupt) {
  return {0xfee00000 | (apic_id() & 0xff) << 12, kFirstLine + interrupt};
}

DeviceMemory allocate_device_memory(std::uint32_t order) {
  static_assert(kMaxDeviceMemoryOrder <= kMaxOrder);
  const PhysicalAddress at = allocate_frames(order);
  if (at == kNoFrame) return {};
  return {direct(at), at};
}
void free_device_memory(const DeviceMemory& memory, std::uint32_t order) {
  free_frames(memory.address, order);
}

}  // namespace nebulet::machine
