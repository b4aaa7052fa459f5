// SPDX-License-Identifier: MIT
// From the loader's hand-over to kernel_main: what is set up, in which order, and why in this one.
#include <array>
#include <cstdint>
#include <string_view>

#include "machine/include/machine/boot_info.h"
#include "machine/include/machine/console.h"
#include "machine/include/machine/cpu.h"
#include "machine/include/machine/time.h"
#include "machine/include/machine/upcalls.h"
#include "machine/x86_64/acpi.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/boot_protocol.h"
#include "machine/x86_64/clock.h"
#include "machine/x86_64/console.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/cpus.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/initfs.h"
#include "machine/x86_64/iommu.h"
#include "machine/x86_64/page_tables.h"
#include "machine/x86_64/panic.h"
#include "machine/x86_64/pci.h"
#include "machine/x86_64/power.h"
#include "machine/x86_64/serial.h"

extern "C" {
using Constructor = void (*)();
extern Constructor init_array_start[], init_array_end[];
}

namespace nebulet::machine {
namespace {

constexpr std::size_t kMaxBootModules = 256;
constexpr std::uint64_t kKernelStack = 256 * 1024;

std::array<BootModule, kMaxBootModules> g_modules;
BootInfo g_boot_info;

void enter_kernel() { shut_down(kernel::kernel_main(g_boot_info)); }

bool has_word(std::string_view line, std::string_view word) {
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (line.substr(0, end) == word) return true;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return false;
}

std::size_t collect_modules(const BootFacts& facts) {
  std::size_t count = 0;
  const auto add = [&](std::string_view name, std::span<const std::byte> bytes) {
    if (count < kMaxBootModules) g_modules[count++] = {name, bytes};
  };
  for (const LoadedModule& module : facts.modules) {
    const std::span<const std::byte> bytes(direct(module.range.start), module.range.end - module.range.start);
    if (ArchiveReader::is_archive(bytes)) {
      ArchiveReader archive(bytes);
      while (const auto entry = archive.next()) add(entry->name, entry->bytes);
    } else {
      add(module.name.empty() ? std::string_view("program") : module.name, bytes);
    }
  }
  return count;
}

void start_memory(const BootFacts& facts) {
  // The image, and each module.
  std::array<PhysicalRange, 17> taken;
  std::size_t count = 0;
  taken[count++] = {reinterpret_cast<std::uint64_t>(image_start) - kKernelBase,
                    reinterpret_cast<std::uint64_t>(image_end) - kKernelBase};
  for (const LoadedModule& module : facts.modules) taken[count++] = module.range;
  initialize_frames(facts.memory, std::span(taken).first(count));
  initialize_page_tables();
}

}  // namespace

extern "C" [[noreturn]] void machine_start(std::uint32_t magic, std::uint64_t info) {
  initialize_serial();
  install_panic_handler();
  // The protocol's data and ACPI's tables are read before any memory is handed out, since they may lie in it.
  const BootFacts& facts = read_boot_protocol(magic, info);
  Cpu& cpu = cpu_at(0);
  set_cpu_block(cpu);  // before anything is printed: the console's lock asks who it is
  if (facts.memory.empty())
    refuse_to_boot("no memory map: ", "boot this image by PVH (qemu -kernel) or multiboot2 (GRUB)");
  if (const char* feature = missing_feature()) {
    refuse_to_boot("this processor lacks a feature that the kernel needs: ", feature);
  }
  enable_features();
  read_acpi_tables(facts.rsdp);
  start_memory(facts);
  prepare_tables(cpu);
  load_tables(cpu);
  prepare_power_off();
  for (Constructor* constructor = init_array_start; constructor < init_array_end; ++constructor)
    (*constructor)();
  initialize_apic();
  cpu.apic_id = apic_id();
  cpu.online.store(true, std::memory_order_release);
  initialize_pci();
  initialize_clock();
  calibrate_apic_timer();
  enable_serial_interrupt();
  initialize_console(has_word(facts.command_line, "console=link") ? ConsoleMode::link : ConsoleMode::text);
  initialize_iommu();

  g_boot_info.command_line = facts.command_line;
  g_boot_info.modules = std::span(g_modules).first(collect_modules(facts));
  g_boot_info.memory_bytes = usable_bytes();
  g_boot_info.cpus = start_other_cpus(facts);
  hand_faults_to_kernel();
  enable_interrupts();
  std::byte* stack = allocate_stack(kKernelStack);
  asm volatile(
      "movq %0, %%rsp\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "callq *%1\n\t"
      "ud2" ::"r"(stack),
      "r"(enter_kernel)
      : "memory");
  __builtin_unreachable();
}

}  // namespace nebulet::machine
