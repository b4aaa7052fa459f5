// SPDX-License-Identifier: MIT
// The peer's whole user space: loads the modules of virtio's disk in /modules, accesses /dev/vda past the
// page cache, as user/apps/disk_speed.cpp does, and powers off.
#include "linux.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static _Alignas(4096) char buffer[256 << 10];

static void measure(const char* name, int disk, uint64_t size, int count, uint64_t bytes, int random,
                    int writes) {
  const uint64_t places = size / bytes, begin = now();
  uint64_t place = 0;
  for (int i = 0; i < count; ++i) {
    place = random ? place * 6364136223846793005u + 1442695040888963407u : place + 1;
    const off_t at = (off_t)((place >> (random ? 33 : 0)) % places * bytes);
    if ((writes ? pwrite(disk, buffer, bytes, at) : pread(disk, buffer, bytes, at)) != (ssize_t)bytes) {
      printf("%s failed\n", name);
      return;
    }
  }
  printf("%s %llu\n", name, (unsigned long long)((now() - begin) / (unsigned)count));
}

int main(void) {
  static const char* const modules[] = {"virtio_ring",           "virtio",     "virtio_pci_legacy_dev",
                                        "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"};
  mount("dev", "/dev", "devtmpfs", 0, "");
  load_modules(modules, sizeof modules / sizeof *modules);
  int disk = -1;
  for (int tries = 0; tries < 1000 && (disk = open("/dev/vda", O_RDWR | O_DIRECT)) < 0; ++tries)
    usleep(10000);
  uint64_t size = 0;
  if (disk >= 0 && ioctl(disk, BLKGETSIZE64, &size) == 0) {
    measure("read_4k", disk, size, 3000, 4096, 1, 0);
    measure("write_4k", disk, size, 3000, 4096, 1, 1);
    measure("read_256k", disk, size, 400, 256 << 10, 0, 0);
    measure("write_256k", disk, size, 400, 256 << 10, 0, 1);
  }
  return power_off();
}
