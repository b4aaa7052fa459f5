// SPDX-License-Identifier: MIT
#include "machine/x86_64/clock.h"

#include <atomic>
#include <cstddef>
#include <cstring>

#include "machine/include/machine/time.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/console.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

// Every processor with AVX2 has a TSC of constant rate that does not stop and starts the same on all CPUs,
// also where a hypervisor hides the CPUID bit that says so. So nothing else is read for the time.
std::uint64_t g_frequency = 0;  ///< of the TSC, Hz
std::uint64_t g_start = 0;
std::uint64_t g_ns_per_tick = 0;  ///< with 32 binary places
/// Of the real-time clock when the monotonic clock was 0. That clock counts seconds.
std::atomic<std::uint64_t> g_boot_time_ns = 0;
std::atomic<bool> g_host_asked = false;  ///< for the time to the nanosecond
const char* g_reference = "nothing";

constexpr std::uint64_t kWindowTicks = 2000;  // of a reference, in microseconds

/// A counter that runs at a known rate; `read` gives its value modulo 2^bits.
struct Reference {
  const char* name;
  std::uint64_t frequency;
  std::uint64_t mask;
  std::uint64_t (*read)();
};

std::uint64_t read_power_timer() { return in32(acpi().power_timer); }

// The 8254's second channel, counting down from 65535. Its gate is in the keyboard controller's port.
void start_pit() {
  out8(0x61, static_cast<std::uint8_t>((in8(0x61) & ~2) | 1));
  out8(0x43, 0xb0);
  out8(0x42, 0xff);
  out8(0x42, 0xff);
}
std::uint64_t read_pit() {
  out8(0x43, 0x80);
  const std::uint32_t low = in8(0x42);
  return 0xffff - (std::uint32_t{in8(0x42)} << 8 | low);
}

volatile std::byte* g_hpet = nullptr;
std::uint64_t read_hpet() { return *reinterpret_cast<volatile std::uint32_t*>(g_hpet + 0xf0); }

struct Sample {
  std::uint64_t tsc, value;
};
/// The pair read closest together of a few: the host may have interrupted the others.
Sample sample(const Reference& reference) {
  Sample best{};
  std::uint64_t width = ~0ull;
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = read_tsc();
    const std::uint64_t value = reference.read();
    const std::uint64_t after = read_tsc();
    if (after - before < width) {
      width = after - before;
      best = {before + width / 2, value};
    }
  }
  return best;
}

/// 0: the reference does not run.
std::uint64_t measure(const Reference& reference) {
  const std::uint64_t window = reference.frequency * kWindowTicks / 1'000'000;
  const Sample from = sample(reference);
  for (std::uint32_t tries = 0; tries < 2'000'000; ++tries) {
    const std::uint64_t passed = (reference.read() - from.value) & reference.mask;
    if (passed >= window) {
      const Sample to = sample(reference);
      const std::uint64_t ticks = (to.value - from.value) & reference.mask;
      const std::uint64_t frequency = (to.tsc - from.tsc) * reference.frequency / ticks;
      return frequency > 50'000'000 ? frequency : 0;
    }
    // A port where nothing is gives a constant.
    if (tries == 10'000 && passed == 0) return 0;
  }
  return 0;
}

std::uint64_t frequency_from_cpuid() {
  const std::uint32_t last = cpuid(0).eax;
  if (last >= 0x15) {
    const CpuidResult r = cpuid(0x15);
    if (r.eax && r.ebx && r.ecx) return std::uint64_t{r.ecx} * r.ebx / r.eax;
  }
  if ((cpuid(1).ecx & 1u << 31) && cpuid(0x40000000).eax >= 0x40000010) {
    return std::uint64_t{cpuid(0x40000010).eax} * 1000;  // VMware's leaf, which others copied
  }
  return 0;
}

std::uint64_t find_frequency() {
  g_reference = "CPUID";
  if (const std::uint64_t f = frequency_from_cpuid()) return f;
  if (acpi().power_timer) {
    g_reference = "ACPI timer";
    if (const std::uint64_t f = measure({g_reference, 3'579'545, 0xffffff, read_power_timer})) return f;
  }
  if (acpi().hpet) {
    g_reference = "HPET";
    g_hpet = map_device(acpi().hpet, 1024);
    const auto period = *reinterpret_cast<volatile std::uint32_t*>(g_hpet + 4);  // femtoseconds
    if (period >= 1'000'000 && period <= 100'000'000) {
      auto* configuration = reinterpret_cast<volatile std::uint32_t*>(g_hpet + 0x10);
      *configuration = *configuration | 1;
      if (const std::uint64_t f =
              measure({g_reference, 1'000'000'000'000'000ull / period, 0xffffffff, read_hpet}))
        return f;
    }
  }
  g_reference = "8254";
  start_pit();
  if (const std::uint64_t f = measure({g_reference, 1'193'182, 0xffff, read_pit})) return f;
  // The processor's base frequency: the counter runs at about that.
  g_reference = "base frequency";
  if (cpuid(0).eax >= 0x16) {
    if (const std::uint64_t f = std::uint64_t{cpuid(0x16).eax & 0xffff} * 1'000'000) return f;
  }
  g_reference = "a guess";
  return 2'000'000'000;
}

std::uint8_t read_cmos(std::uint8_t index) {
  out8(0x70, index);
  return in8(0x71);
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
std::int64_t days_since_1970(std::int64_t year, std::int64_t month, std::int64_t day) {
  // Years begin in March, so that the leap day comes last.
  year -= month <= 2;
  const std::int64_t era = year / 400, year_of_era = year % 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/// Seconds since 1970; 0: no such clock.
std::uint64_t read_real_time_clock() {
  if (read_cmos(0x0a) == 0xff && read_cmos(0x0b) == 0xff) return 0;
  std::uint8_t fields[6], again[6];
  constexpr std::uint8_t kIndices[6] = {0, 2, 4, 7, 8, 9};
  for (int tries = 0; tries < 1000; ++tries) {
    if (read_cmos(0x0a) & 0x80) continue;  // an update is on its way
    for (int i = 0; i < 6; ++i) fields[i] = read_cmos(kIndices[i]);
    for (int i = 0; i < 6; ++i) again[i] = read_cmos(kIndices[i]);
    if (std::memcmp(fields, again, sizeof fields) == 0) break;
  }
  const std::uint8_t mode = read_cmos(0x0b);
  const bool afternoon = fields[2] & 0x80;
  fields[2] &= 0x7f;
  if (!(mode & 4)) {
    for (std::uint8_t& field : fields) field = static_cast<std::uint8_t>((field >> 4) * 10 + (field & 15));
  }
  if (!(mode & 2)) fields[2] = static_cast<std::uint8_t>(fields[2] % 12 + (afternoon ? 12 : 0));
  const std::int64_t days = days_since_1970(2000 + fields[5], fields[4], fields[3]);
  return static_cast<std::uint64_t>(days * 86400 + fields[2] * 3600 + fields[1] * 60 + fields[0]);
}

}  // namespace

void initialize_clock() {
  g_frequency = find_frequency();
  g_ns_per_tick = (1'000'000'000ull << 32) / g_frequency;
  g_start = read_tsc();
  g_boot_time_ns = read_real_time_clock() * 1'000'000'000;
}

std::uint64_t tsc_frequency() { return g_frequency; }
const char* clock_reference() { return g_reference; }

std::uint64_t monotonic_ns() {
  const std::uint64_t ticks = read_tsc() - g_start;
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(ticks) * g_ns_per_tick >> 32);
}

std::uint64_t realtime_ns() {
  if (!g_host_asked.exchange(true, std::memory_order_relaxed)) {
    if (const auto host = ask_host())
      g_boot_time_ns.store(host->realtime_ns - monotonic_ns(), std::memory_order_relaxed);
  }
  return g_boot_time_ns.load(std::memory_order_relaxed) + monotonic_ns();
}

}  // namespace nebulet::machine
