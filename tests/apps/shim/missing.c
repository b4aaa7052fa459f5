// SPDX-License-Identifier: MIT
// Functions of POSIX that WASI has no notion of: they fail, or do nothing where the programs do not care.
#include "missing.h"

#include <errno.h>
#include <stddef.h>

static int unsupported(void) {
  errno = ENOSYS;
  return -1;
}

struct _IO_FILE* tmpfile(void) {
  unsupported();
  return NULL;
}
char* tmpnam(char* name) { return NULL; }
char* mktemp(char* name) { return name; }
int system(const char* command) { return command == NULL ? 0 : unsupported(); }
int fchmod(int fd, mode_t mode) { return 0; }
int fchown(int fd, uid_t owner, gid_t group) { return 0; }
int chmod(const char* path, mode_t mode) { return 0; }
int chown(const char* path, uid_t owner, gid_t group) { return 0; }
mode_t umask(mode_t mask) { return 022; }
