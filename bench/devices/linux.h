/* SPDX-License-Identifier: MIT
 * What the peer's programs share; each is the whole user space of a Linux. */
#pragma once
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void load_modules(const char* const* names, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/modules/%s.ko", names[i]);
    const int file = open(path, O_RDONLY);
    if (file < 0 || syscall(SYS_finit_module, file, "", 0) != 0) printf("no module %s\n", path);
  }
}

static inline int power_off(void) {
  printf("done\n");
  fflush(stdout);
  reboot(RB_POWER_OFF);
  return 1;
}
