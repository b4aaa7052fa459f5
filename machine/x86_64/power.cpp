// SPDX-License-Identifier: MIT
#include "machine/x86_64/power.h"

#include <cstdint>

#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/console.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/io.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

volatile std::byte* g_sleep_control = nullptr;
volatile std::byte* g_reset = nullptr;

volatile std::byte* map(const AcpiRegister& r) {
  if (r.space == AcpiRegister::Space::none) return nullptr;
  const bool is_port = r.space == AcpiRegister::Space::port;
  claim_device(is_port ? DeviceSpace::ports : DeviceSpace::memory, r.address, r.bytes);
  return is_port ? nullptr : map_device(r.address, 8);
}
void write_register(const AcpiRegister& r, volatile std::byte* mapped, std::uint8_t value) {
  if (r.space == AcpiRegister::Space::port) out8(static_cast<std::uint16_t>(r.address), value);
  if (r.space == AcpiRegister::Space::memory && mapped) *mapped = static_cast<std::byte>(value);
}

void wait_a_moment() {
  for (int i = 0; i < 1000; ++i) in8(0x80);  // about a microsecond each on a PC
}

}  // namespace

void prepare_power_off() {
  g_sleep_control = map(acpi().sleep_control);
  g_reset = map(acpi().reset);
  for (const std::uint32_t port :
       {std::uint32_t{acpi().pm1a_control}, std::uint32_t{acpi().pm1b_control}, acpi().smi_command})
    if (port != 0) claim_device(DeviceSpace::ports, port, 2);
}

void power_off() {
  disable_interrupts();
  const AcpiFacts& facts = acpi();
  if (facts.can_power_off) {
    // ACPI 6.5, 4.8.3.7: sleep type, sleep enable.
    write_register(facts.sleep_control, g_sleep_control,
                   static_cast<std::uint8_t>(facts.sleep_type_a << 2 | 1 << 5));
    if (facts.pm1a_control) {
      if (facts.smi_command && facts.acpi_enable && !(in16(facts.pm1a_control) & 1)) {
        out8(static_cast<std::uint16_t>(facts.smi_command), facts.acpi_enable);
        for (int tries = 0; tries < 100 && !(in16(facts.pm1a_control) & 1); ++tries) wait_a_moment();
      }
      out16(facts.pm1a_control, static_cast<std::uint16_t>(facts.sleep_type_a << 10 | 1 << 13));
      if (facts.pm1b_control)
        out16(facts.pm1b_control, static_cast<std::uint16_t>(facts.sleep_type_b << 10 | 1 << 13));
    }
    wait_a_moment();
  }
  // No power-off here: resetting ends a virtual machine that was told not to reboot.
  write_register(facts.reset, g_reset, facts.reset_value);
  wait_a_moment();
  out8(0x64, 0xfe);  // the keyboard controller's reset line
  wait_a_moment();
  // A triple fault.
  struct [[gnu::packed]] {
    std::uint16_t limit = 0;
    std::uint64_t base = 0;
  } const nothing;
  asm volatile("lidt %0; int3" ::"m"(nothing));
  for (;;) asm volatile("hlt");
}

void shut_down(int status) {
  send_exit_status(status);
  power_off();
}

}  // namespace nebulet::machine
