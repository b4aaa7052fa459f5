// SPDX-License-Identifier: MIT
#include "machine/x86_64/io_apic.h"

#include <algorithm>
#include <cstddef>

#include "machine/x86_64/apic.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/spin_lock.h"

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kVersion = 1, kEntries = 0x10;
constexpr std::uint32_t kActiveLow = 1 << 13, kLevel = 1 << 15, kMasked = 1 << 16;

SpinLock g_lock;  ///< of the index registers
volatile std::byte* g_registers[kMaxIoApics] = {};

volatile std::uint32_t& at(std::uint32_t apic, std::uint32_t offset) {
  return *reinterpret_cast<volatile std::uint32_t*>(g_registers[apic] + offset);
}
std::uint32_t read(std::uint32_t apic, std::uint32_t index) {
  at(apic, 0) = index;
  return at(apic, 16);
}
void write(std::uint32_t apic, std::uint32_t index, std::uint32_t value) {
  at(apic, 0) = index;
  at(apic, 16) = value;
}

/// The I/O APIC with an input, of which `input` becomes the number there; kMaxIoApics: none.
std::uint32_t find(std::uint32_t& input) {
  const AcpiFacts& facts = acpi();
  for (std::uint32_t i = 0; i < std::max(facts.io_apic_count, 1u); ++i) {
    const IoApic& apic = facts.io_apics[i];
    if (input < apic.first) continue;
    if (g_registers[i] == nullptr) {
      g_registers[i] = map_device(apic.address, 32);
      claim_device(DeviceSpace::memory, apic.address, 32);
    }
    const std::uint32_t version = read(i, kVersion);
    if (version == ~0u || input - apic.first > (version >> 16 & 0xff)) continue;
    input -= apic.first;
    return i;
  }
  return kMaxIoApics;
}

}  // namespace

bool route_interrupt(const InterruptLine& line, std::uint8_t vector, bool masked) {
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  std::uint32_t input = line.input;
  const std::uint32_t apic = find(input);
  if (apic == kMaxIoApics) return false;
  write(apic, kEntries + 2 * input + 1, apic_id() << 24);
  write(apic, kEntries + 2 * input,
        vector | (line.low ? kActiveLow : 0) | (line.level ? kLevel : 0) | (masked ? kMasked : 0));
  return true;
}

void set_interrupt_mask(std::uint32_t input, bool masked) {
  const InterruptGuard interrupts;
  const SpinGuard guard(g_lock);
  const std::uint32_t apic = find(input);
  if (apic == kMaxIoApics) return;
  const std::uint32_t entry = read(apic, kEntries + 2 * input);
  write(apic, kEntries + 2 * input, masked ? entry | kMasked : entry & ~kMasked);
}

}  // namespace nebulet::machine
