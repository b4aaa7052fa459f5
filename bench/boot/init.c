// SPDX-License-Identifier: MIT
// The peer's whole user space: a static init that says hello with the time stamp counter, and powers off. No
// C library, so that nothing but the kernel is measured.
#include <linux/reboot.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

static unsigned long counter(void) {
  unsigned low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (unsigned long)high << 32 | low;
}

__attribute__((force_align_arg_pointer)) void _start(void) {
  unsigned long now = counter();
  char text[] = "hello 00000000000000000000\n";
  for (char* digit = text + sizeof text - 3; now != 0; now /= 10) *digit-- = (char)('0' + now % 10);
  call(SYS_write, 1, (long)text, sizeof text - 1, 0);
  call(SYS_reboot, (long)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
  for (;;) {
  }
}
