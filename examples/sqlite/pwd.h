// SPDX-License-Identifier: MIT
// In place of the C library's <pwd.h>, which wasi-libc lacks: there are no users, and no home directories.
// The shell asks for both.
#pragma once
#include <errno.h>
#include <sys/types.h>

struct passwd {
  char* pw_dir;
};

static inline uid_t getuid(void) { return 0; }
static inline struct passwd* getpwuid(uid_t user) {
  (void)user;
  return 0;
}
static inline int chmod(const char* path, mode_t mode) {
  (void)path, (void)mode;
  errno = ENOTSUP;
  return -1;
}
