// SPDX-License-Identifier: MIT
// Declarations of POSIX functions that wasi-libc lacks and the tested programs name; included before each of
// their files.
#pragma once

#ifdef __wasm__
#include <sys/types.h>

struct _IO_FILE;
struct _IO_FILE* tmpfile(void);
char* tmpnam(char* name);
char* mktemp(char* name);
int system(const char* command);
int fchmod(int fd, mode_t mode);
int fchown(int fd, uid_t owner, gid_t group);
mode_t umask(mode_t mask);
int chmod(const char* path, mode_t mode);
int chown(const char* path, uid_t owner, gid_t group);
#endif
