// SPDX-License-Identifier: MIT
#include "machine/x86_64/device.h"

#include "base/assert.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/io_apic.h"
#include "machine/x86_64/layout.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

constexpr std::uint64_t kPorts = 1 << 16;

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

volatile std::byte* pointer_to(std::uint64_t at) {
  return map_register(at) ? reinterpret_cast<volatile std::byte*>(kRegisters + at) : nullptr;
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
  const std::uint64_t size = space == DeviceSpace::ports ? kPorts : kRegistersSize;
  if (base >= size || count > size - base) return false;
  const std::uint64_t end = base + count;
  for (const Claim& claim : kAlways)
    if (overlaps(claim, space, base, end)) return false;
  for (std::size_t i = 0; i < g_claim_count; ++i)
    if (overlaps(g_claims[i], space, base, end)) return false;
  return space == DeviceSpace::ports || !is_memory(base, end);
}

bool read_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t& value) {
  if (space == DeviceSpace::ports) {
    const auto port = static_cast<std::uint16_t>(at);
    value = bytes == 1 ? in8(port) : bytes == 2 ? in16(port) : in32(port);
    return true;
  }
  volatile std::byte* from = pointer_to(at);
  if (from == nullptr) return false;
  value = bytes == 1   ? static_cast<std::uint32_t>(as<std::uint8_t>(from))
          : bytes == 2 ? as<std::uint16_t>(from)
                       : as<std::uint32_t>(from);
  return true;
}

bool write_device(DeviceSpace space, std::uint64_t at, unsigned bytes, std::uint32_t value) {
  if (space == DeviceSpace::ports) {
    const auto port = static_cast<std::uint16_t>(at);
    if (bytes == 1) out8(port, static_cast<std::uint8_t>(value));
    if (bytes == 2) out16(port, static_cast<std::uint16_t>(value));
    if (bytes == 4) out32(port, value);
    return true;
  }
  volatile std::byte* to = pointer_to(at);
  if (to == nullptr) return false;
  if (bytes == 1) as<std::uint8_t>(to) = static_cast<std::uint8_t>(value);
  if (bytes == 2) as<std::uint16_t>(to) = static_cast<std::uint16_t>(value);
  if (bytes == 4) as<std::uint32_t>(to) = value;
  return true;
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

}  // namespace nebulet::machine
