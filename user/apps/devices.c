/* SPDX-License-Identifier: MIT
 * Resources and interrupts as a driver sees them, on a PC: what may be had, what is refused, the clock's
 * registers, the timer's interrupts. Reports in TAP (testanything.org). Run with --devices. */
#include <stdio.h>

#include "user/apps/tap.h"

static nb_handle_t root(void) {
  uint32_t words[3] = {0, 0, 0};
  nb_process_startup(words, sizeof words);
  return words[2];
}
static int64_t ports(uint64_t base, uint64_t count) {
  return nb_resource_create(root(), NB_RESOURCE_KIND_PORTS, base, count);
}
static int64_t registers(uint64_t base, uint64_t count) {
  return nb_resource_create(root(), NB_RESOURCE_KIND_REGISTERS, base, count);
}

static void parts(void) {
  const int64_t some = ports(0x70, 2);
  check(some > 0, "a part of the ports is made");
  const nb_handle_t part = (nb_handle_t)some;
  check(nb_resource_create(part, NB_RESOURCE_KIND_PORTS, 0x71, 1) > 0, "and a part of it");
  check(nb_resource_create(part, NB_RESOURCE_KIND_PORTS, 0x70, 3) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_create(part, NB_RESOURCE_KIND_PORTS, 0x6f, 2) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_create(part, NB_RESOURCE_KIND_PORTS, 0x71, ~0ull) == NB_STATUS_INVALID_ARGUMENT,
        "no part is more than the whole");
  check(nb_resource_create(part, NB_RESOURCE_KIND_PORTS, 0x70, 0) == NB_STATUS_INVALID_ARGUMENT,
        "nothing is no part");
  check(nb_resource_create(part, NB_RESOURCE_KIND_REGISTERS, 0x70, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_create(part, NB_RESOURCE_KIND_ROOT, 0x70, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_create(part, 99, 0x70, 1) == NB_STATUS_INVALID_ARGUMENT,
        "a part is of the whole's kind");
  const int64_t weak = nb_handle_duplicate(part, NB_RIGHT_READ);
  check(
      weak > 0 && nb_resource_write((nb_handle_t)weak, 0, 1, 0) == NB_STATUS_ACCESS_DENIED &&
          nb_resource_create((nb_handle_t)weak, NB_RESOURCE_KIND_PORTS, 0x70, 1) == NB_STATUS_ACCESS_DENIED &&
          nb_resource_read((nb_handle_t)weak, 0, 1) >= 0,
      "a handle to read with can do nothing else");
  check(nb_resource_read(part, 2, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_read(part, 1, 2) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_read(part, ~0ull, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_resource_read(part, 0, 3) == NB_STATUS_INVALID_ARGUMENT,
        "what is not inside is not read");
  check(nb_resource_read(root(), 0, 1) == NB_STATUS_ACCESS_DENIED, "the root itself is not read");
  check(nb_interrupt_create(part, 1, NB_INTERRUPT_TRIGGER_ISA) == NB_STATUS_INVALID_ARGUMENT,
        "ports have no interrupts");
}

static void the_kernels_own(void) {
  check(ports(0x3f8, 8) == NB_STATUS_NOT_SUPPORTED && ports(0, 65536) == NB_STATUS_NOT_SUPPORTED,
        "the kernel's serial port is not given");
  check(ports(0x20, 1) == NB_STATUS_NOT_SUPPORTED, "nor are the interrupt controllers");
  check(ports(65536, 1) == NB_STATUS_NOT_SUPPORTED, "there are 65,536 ports");
  check(registers(0xfee00000, 4096) == NB_STATUS_NOT_SUPPORTED &&
            registers(0xfec00000, 16) == NB_STATUS_NOT_SUPPORTED,
        "nor by another way");
  check(registers(0x100000, 4096) == NB_STATUS_NOT_SUPPORTED &&
            registers(0, 4096) == NB_STATUS_NOT_SUPPORTED &&
            registers(0xb8000, 1 << 24) == NB_STATUS_NOT_SUPPORTED,
        "memory is not given");
  const int64_t lines = nb_resource_create(root(), NB_RESOURCE_KIND_INTERRUPTS, 0, 24);
  check(lines > 0 &&
            nb_interrupt_create((nb_handle_t)lines, 4, NB_INTERRUPT_TRIGGER_ISA) == NB_STATUS_NOT_SUPPORTED,
        "nor is the serial port's interrupt");
  check(nb_interrupt_create((nb_handle_t)lines, 16, NB_INTERRUPT_TRIGGER_ISA) == NB_STATUS_INVALID_ARGUMENT &&
            nb_interrupt_create((nb_handle_t)lines, 24, NB_INTERRUPT_TRIGGER_LOW) ==
                NB_STATUS_INVALID_ARGUMENT &&
            nb_interrupt_create((nb_handle_t)lines, 1, 99) == NB_STATUS_INVALID_ARGUMENT,
        "other lines are not had");
}

static void clock_registers(void) {
  const nb_handle_t rtc = (nb_handle_t)ports(0x70, 2);
  nb_resource_write(rtc, 0, 1, 0x07); /* day of the month, BCD */
  const int64_t day = nb_resource_read(rtc, 1, 1);
  check(day >= 1 && day <= 0x31 && (day & 15) <= 9, "the clock tells a day");
  nb_handle_close(rtc);
}

static void timer_interrupts(void) {
  const nb_handle_t timer = (nb_handle_t)ports(0x40, 4);
  const nb_handle_t lines = (nb_handle_t)nb_resource_create(root(), NB_RESOURCE_KIND_INTERRUPTS, 0, 24);
  const int64_t made = nb_interrupt_create(lines, 0, NB_INTERRUPT_TRIGGER_ISA);
  check(made > 0, "the timer's interrupt is had");
  const nb_handle_t interrupt = (nb_handle_t)made;
  check(nb_interrupt_create(lines, 0, NB_INTERRUPT_TRIGGER_ISA) == NB_STATUS_BAD_STATE, "once");
  nb_resource_write(timer, 3, 1, 0x34); /* channel 0, both bytes, rate generator */
  nb_resource_write(timer, 0, 1, 0x9c); /* 11932: 100 Hz */
  nb_resource_write(timer, 0, 1, 0x2e);
  int came = 0;
  for (int i = 0; i < 20; ++i) {
    came += nb_object_wait(interrupt, NB_SIGNAL_SIGNALED, now() + 2000 * kMs) > 0;
    nb_interrupt_acknowledge(interrupt);
  }
  check(came == 20, "it comes again and again");
  const uint64_t until = now() + 1000 * kMs; /* more than may come unacknowledged */
  while (now() < until) nb_object_wait(interrupt, NB_SIGNAL_USER, until);
  nb_interrupt_acknowledge(interrupt);
  check(nb_object_wait(interrupt, NB_SIGNAL_SIGNALED, now() + 2000 * kMs) > 0,
        "also when it was not acknowledged for long");
  nb_resource_write(timer, 3, 1, 0x30); /* one shot, not started */
  check(nb_handle_close(interrupt) == 0, "it is given back");
  const int64_t again = nb_interrupt_create(lines, 0, NB_INTERRUPT_TRIGGER_ISA);
  check(again > 0, "and can be had again");
  nb_handle_close((nb_handle_t)again);
}

static int64_t pci(uint64_t base, uint64_t count) {
  return nb_resource_create(root(), NB_RESOURCE_KIND_PCI, base, count);
}

/* The host bridge is at 0:0.0 on every PC. */
static void configuration_space(void) {
  const nb_handle_t all = (nb_handle_t)pci(0, 1ull << 28);
  check(pci(0, (1ull << 28) + 1) == NB_STATUS_NOT_SUPPORTED, "there are 65,536 PCI functions");
  check(nb_resource_read(all, 0, 2) == 0x8086, "the host bridge is Intel's");
  check(nb_resource_read(all, 255ull << 20, 4) == 0xffffffff, "of what does not exist all bits are set");
  int consoles = 0;
  for (uint64_t device = 0; device < 32; ++device)
    consoles += nb_resource_read(all, device * 8 * 4096, 4) == 0x10031af4;
  check(consoles == 0, "nor does the kernel's console for others");
  check(ports(0xcf8, 4) == NB_STATUS_NOT_SUPPORTED && ports(0xcfc, 4) == NB_STATUS_NOT_SUPPORTED,
        "there is no other way to it");
  check(nb_resource_write(all, 0x3c, 1, 0) == NB_STATUS_NOT_SUPPORTED &&
            nb_resource_write(all, 4, 4, 0) == NB_STATUS_NOT_SUPPORTED &&
            nb_resource_write(all, 0x10, 4, 0) == NB_STATUS_NOT_SUPPORTED,
        "a driver writes the command register alone");
  check(nb_resource_write(all, 4, 2, (uint32_t)nb_resource_read(all, 4, 2)) == 0, "which it does");
  const nb_handle_t weak = (nb_handle_t)nb_handle_duplicate(all, NB_RIGHT_READ | NB_RIGHT_WRITE);
  check(nb_resource_configure(weak, 0x3c, 1, 0) == NB_STATUS_ACCESS_DENIED &&
            nb_resource_configure((nb_handle_t)ports(0x70, 2), 0, 1, 0) == NB_STATUS_INVALID_ARGUMENT,
        "the rest takes more rights");
  const nb_handle_t bridge = (nb_handle_t)pci(0, 4096);
  check(nb_interrupt_create_message(all, 0) == NB_STATUS_INVALID_ARGUMENT &&
            nb_interrupt_create_message(bridge, 0) == NB_STATUS_NOT_SUPPORTED,
        "a function without messages has none");
}

static void memory_for_devices(void) {
  const nb_handle_t bridge = (nb_handle_t)pci(0, 4096);
  const uint64_t before = (uint64_t)nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED);
  check(nb_dma_create(bridge, 0) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_create(bridge, (4 << 20) + 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_create((nb_handle_t)ports(0x70, 2), 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_create(root(), 1) == NB_STATUS_ACCESS_DENIED,
        "memory is for a device, and not too much");
  const nb_handle_t dma = (nb_handle_t)nb_dma_create(bridge, 5000);
  const int64_t address = nb_dma_address(dma);
  check(address > 0 && address % 8192 == 0, "its address is told");
  check(registers((uint64_t)address, 4096) == NB_STATUS_NOT_SUPPORTED, "which opens no other way to it");
  char bytes[5001];
  bytes[0] = bytes[4999] = 1;
  check(nb_dma_read(dma, 0, bytes, 5000) == 0 && bytes[0] == 0 && bytes[4999] == 0, "it is zero at first");
  check(nb_dma_store(dma, 4996, 4, 0x80112233) == 0 && nb_dma_load(dma, 4996, 4) == 0x80112233 &&
            nb_dma_load(dma, 4998, 2) == 0x8011 && nb_dma_load(dma, 4999, 1) == 0x80,
        "it keeps what is stored");
  check(nb_dma_write(dma, 4999, "x", 1) == 0 && nb_dma_read(dma, 4999, bytes, 1) == 0 && bytes[0] == 'x',
        "and what is copied");
  check(nb_dma_read(dma, 0, bytes, 5001) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_write(dma, ~0ull, bytes, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_load(dma, 4998, 4) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_load(dma, 5000, 1) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_store(dma, ~3ull, 4, 0) == NB_STATUS_INVALID_ARGUMENT &&
            nb_dma_store(dma, 0, 8, 0) == NB_STATUS_INVALID_ARGUMENT,
        "nothing beside it is reached");
  const nb_handle_t weak = (nb_handle_t)nb_handle_duplicate(dma, NB_RIGHT_READ);
  check(nb_dma_store(weak, 0, 4, 0) == NB_STATUS_ACCESS_DENIED, "to write takes the right");
  nb_handle_close(weak);
  nb_resource_write(bridge, 4, 2, (uint32_t)nb_resource_read(bridge, 4, 2) | 4);
  nb_handle_close(dma);
  check((uint64_t)nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) >= before + 8192,
        "closed, it stays with its device");
  const nb_handle_t again = (nb_handle_t)nb_dma_create(bridge, 8192);
  check(nb_dma_address(again) == address && nb_dma_load(again, 4999, 1) == 0,
        "whose next driver gets it, as zeros");
  nb_handle_close(again);
  check(nb_dma_quiesced(bridge) == 0 &&
            (uint64_t)nb_process_info(NB_PROCESS_PROPERTY_MEMORY_USED) < before + 8192,
        "until the device is idle");
}

int main(void) {
  if (root() == 0) {
    printf("Bail out! no devices: run it with --devices\n");
    return 1;
  }
  parts();
  the_kernels_own();
  clock_registers();
  timer_interrupts();
  configuration_space();
  memory_for_devices();
  printf("1..%d\n", number);
  return failures != 0;
}
