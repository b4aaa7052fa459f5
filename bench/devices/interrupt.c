// SPDX-License-Identifier: MIT
// The peer's whole user space: a driver in user space by UIO waits for interrupts of QEMU's `edu` device that
// another process makes it raise, as user/apps/interrupt_latency.cpp does.
#include "linux.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { kRaise = 0x60 / 4, kAcknowledge = 0x64 / 4, kRounds = 2000 };

static int put(const char* path, const char* text) {
  const int file = open(path, O_WRONLY);
  const int done = file >= 0 && write(file, text, strlen(text)) > 0;
  if (!done) printf("cannot write %s\n", path);
  if (file >= 0) close(file);
  return done;
}

/* `config` is the function's configuration space: an interrupt sets bit 10 of its command register, which
 * disables its line (Documentation/driver-api/uio-howto.rst). */
static int wait_for_it(volatile uint32_t* device, int interrupts, int config, int times) {
  enum { kCommandHigh = 5, kLineOff = 1 << 2 };
  const struct sched_param high = {.sched_priority = 50};
  unsigned char command;
  sched_setscheduler(0, SCHED_FIFO, &high);
  if (pread(config, &command, 1, kCommandHigh) != 1) return 1;
  command &= (unsigned char)~kLineOff;
  pwrite(config, &command, 1, kCommandHigh);
  for (int i = 0; i < kRounds; ++i) {
    uint32_t count;
    if (read(interrupts, &count, sizeof count) != sizeof count) return 1;
    const uint64_t time = now();
    device[kAcknowledge] = 1;
    pwrite(config, &command, 1, kCommandHigh);
    write(times, &time, sizeof time);
  }
  return 0;
}

int main(void) {
  static const char* const modules[] = {"uio", "uio_pci_generic"};
  load_modules(modules, 2);
  mount("dev", "/dev", "devtmpfs", 0, "");
  mount("sys", "/sys", "sysfs", 0, "");
  put("/sys/bus/pci/drivers/uio_pci_generic/new_id", "1234 11e8");
  int registers = -1, config = -1;
  for (int i = 0; i < 32 && registers < 0; ++i) {
    char path[80];
    snprintf(path, sizeof path, "/sys/bus/pci/drivers/uio_pci_generic/0000:00:%02x.0/resource0", (unsigned)i);
    registers = open(path, O_RDWR);
    snprintf(path, sizeof path, "/sys/bus/pci/drivers/uio_pci_generic/0000:00:%02x.0/config", (unsigned)i);
    if (registers >= 0) config = open(path, O_RDWR);
  }
  const int interrupts = open("/dev/uio0", O_RDWR);
  volatile uint32_t* const device = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, registers, 0);
  int times[2];
  if (interrupts < 0 || device == MAP_FAILED || pipe(times) != 0) {
    printf("no device\n");
    return power_off();
  }
  if (fork() == 0) _exit(wait_for_it(device, interrupts, config, times[1]));
  usleep(100000);
  uint64_t sum = 0, least = ~0ull;
  for (int i = 0; i < kRounds; ++i) {
    const uint64_t begin = now();
    device[kRaise] = 1;
    uint64_t woken;
    if (read(times[0], &woken, sizeof woken) != sizeof woken) break;
    sum += woken - begin;
    if (woken - begin < least) least = woken - begin;
  }
  printf("interrupt %llu\nleast %llu\n", (unsigned long long)(sum / kRounds), (unsigned long long)least);
  return power_off();
}
