// SPDX-License-Identifier: MIT
#include "machine/x86_64/apic.h"

#include <algorithm>
#include <cstddef>

#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

constexpr std::uint32_t kApicBase = 0x1b;  // MSR
constexpr std::uint64_t kEnabled = 1 << 11, kX2Apic = 1 << 10;
constexpr std::uint32_t kX2ApicMsr = 0x800;

enum Register : std::uint32_t {
  kId = 0x20,
  kTaskPriority = 0x80,
  kEoi = 0xb0,
  kSpuriousVector = 0xf0,
  kCommandLow = 0x300,
  kCommandHigh = 0x310,
  kTimerEntry = 0x320,
  kLint0 = 0x350,
  kLint1 = 0x360,
  kInitialCount = 0x380,
  kCurrentCount = 0x390,
  kDivide = 0x3e0,
};
constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kDivideBy1 = 0xb;

volatile std::byte* g_registers = nullptr;  ///< nullptr: x2APIC
std::uint64_t g_ticks_per_ms = 0;

std::uint32_t read(Register r) {
  if (!g_registers) return static_cast<std::uint32_t>(read_msr(kX2ApicMsr + (r >> 4)));
  return *reinterpret_cast<volatile std::uint32_t*>(g_registers + r);
}
void write(Register r, std::uint32_t value) {
  if (!g_registers) return write_msr(kX2ApicMsr + (r >> 4), value);
  *reinterpret_cast<volatile std::uint32_t*>(g_registers + r) = value;
}

void command(std::uint32_t to, std::uint32_t low) {
  if (!g_registers) return write_msr(kX2ApicMsr + (kCommandLow >> 4), std::uint64_t{to} << 32 | low);
  const InterruptGuard guard;  // both halves belong together
  write(kCommandHigh, to << 24);
  write(kCommandLow, low);
  while (read(kCommandLow) & 1 << 12) spin_hint();  // delivery pending
}

/// Moves the vectors of the two 8259 out of the way of the exceptions and masks them.
void silence_legacy_controllers() {
  constexpr std::uint16_t kPorts[] = {0x20, 0xa0};
  for (const std::uint16_t port : kPorts) {
    const bool second = port == 0xa0;
    out8(port, 0x11);
    out8(port + 1, second ? kPicSpurious + 8 : kPicSpurious);
    out8(port + 1, second ? 2 : 4);
    out8(port + 1, 1);
    out8(port + 1, 0xff);
  }
}

}  // namespace

void initialize_apic() {
  std::uint64_t base = read_msr(kApicBase);
  const bool first = !g_registers && g_ticks_per_ms == 0;
  if (!(base & kEnabled)) write_msr(kApicBase, base |= kEnabled);
  if (first) {
    silence_legacy_controllers();
    if (!(base & kX2Apic)) {
      const PhysicalAddress registers = base & 0x000f'ffff'ffff'f000;
      g_registers = map_device(registers, 4096);
      claim_device(DeviceSpace::memory, registers, 4096);
    }
  } else if (!g_registers && !(base & kX2Apic)) {
    write_msr(kApicBase, base | kX2Apic);
  }
  write(kTaskPriority, 0);
  write(kLint0, kMasked);
  write(kLint1, 4 << 8);                                  // NMI
  write(kTimerEntry, g_ticks_per_ms ? kTimer : kMasked);  // the boot CPU's waits for calibration
  write(kDivide, kDivideBy1);
  write(kSpuriousVector, 1 << 8 | kSpurious);
}

std::uint32_t apic_id() { return g_registers ? read(kId) >> 24 : read(kId); }
void end_of_interrupt() { write(kEoi, 0); }
void send_interrupt(std::uint32_t to, std::uint8_t vector) { command(to, 1 << 14 | vector); }
void send_init(std::uint32_t to) {
  command(to, 0xc500);
  command(to, 0x8500);
}
void send_stop() { command(0, 3 << 18 | 1 << 14 | 4 << 8); }  // to all others, non-maskable
void send_startup(std::uint32_t to, std::uint8_t page) { command(to, 0x4600 | page); }

void calibrate_apic_timer() {
  constexpr std::uint64_t kWindow = 500'000;
  write(kInitialCount, 0xffffffff);
  const std::uint64_t from = monotonic_ns();
  const std::uint32_t count = read(kCurrentCount);
  std::uint64_t now;
  do now = monotonic_ns();
  while (now - from < kWindow);
  const std::uint32_t passed = count - read(kCurrentCount);
  now = monotonic_ns();
  write(kInitialCount, 0);
  g_ticks_per_ms = std::max<std::uint64_t>(std::uint64_t{passed} * 1'000'000 / (now - from), 1);
  write(kTimerEntry, kTimer);
}

void start_apic_timer(std::uint64_t nanoseconds) {
  if (nanoseconds == 0) {
    write(kInitialCount, 0);
    return;
  }
  constexpr std::uint64_t kLongest = 1'000'000'000;  // the handler starts it again for the rest
  const std::uint64_t ticks = std::min(nanoseconds, kLongest) * g_ticks_per_ms / 1'000'000;
  write(kInitialCount, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks, 1, 0xffffffff)));
}

void set_timer(std::uint64_t deadline_ns) {
  const InterruptGuard guard;
  Cpu& cpu = this_cpu();
  cpu.deadline_ns = deadline_ns;
  const std::uint64_t now = monotonic_ns();
  start_apic_timer(deadline_ns > now ? deadline_ns - now : 1);
}

}  // namespace nebulet::machine
