// SPDX-License-Identifier: MIT
// How the conformance programs report: TAP on standard output, one line for each check, and short forms of
// the calls that they make most. Every check has a name of its own, by which expected differences of other
// implementations are listed.
#pragma once

#include <stdio.h>
#include <string.h>

#include "wasi.h"

static int tap_count, tap_failures;

static inline int check(int condition, const char* what) {
  tap_failures += !condition;
  printf("%s %d - %s\n", condition ? "ok" : "not ok", ++tap_count, what);
  fflush(stdout);  // so that it is seen even if the next call ends the program
  return condition;
}

static inline int expect(int32_t got, int32_t expected, const char* what) {
  if (got == expected) return check(1, what);
  ++tap_failures;
  printf("not ok %d - %s # %s, expected %s\n", ++tap_count, what,
         (uint32_t)got <= NOTCAPABLE ? errno_names[got] : "a wild number", errno_names[expected]);
  return 0;
}

static inline int done(void) {
  printf("1..%d\n", tap_count);
  return tap_failures != 0;
}

#define PATH(text) ADDRESS(text), (uint32_t)strlen(text)

static const uint32_t root = 3;  // the first preopened directory
static const uint32_t nowhere = 99;
static const uint32_t no_fd = 0xffffffff;

/// The descriptor, or `no_fd`.
static inline uint32_t open_with(uint32_t directory, const char* path, uint32_t oflags, uint64_t rights,
                                 uint32_t fd_flags) {
  uint32_t fd = no_fd;
  path_open(directory, FOLLOW, PATH(path), oflags, rights, 0, fd_flags, ADDRESS(&fd));
  return fd;
}
static inline uint32_t open_file(const char* path) { return open_with(root, path, 0, FILE_RIGHTS, 0); }
static inline uint32_t create_file(const char* path) {
  return open_with(root, path, CREAT | EXCL, FILE_RIGHTS, 0);
}
/// The error of an attempt to open; what it opens is closed again.
static inline int32_t open_error(uint32_t directory, uint32_t flags, const char* path, uint32_t oflags,
                                 uint64_t rights, uint32_t fd_flags) {
  uint32_t fd = no_fd;
  const int32_t error = path_open(directory, flags, PATH(path), oflags, rights, 0, fd_flags, ADDRESS(&fd));
  if (error == SUCCESS) fd_close(fd);
  return error;
}

static inline int32_t write_text(uint32_t fd, const char* text, uint32_t* size) {
  const iovec_t iovec = {ADDRESS(text), (uint32_t)strlen(text)};
  return fd_write(fd, ADDRESS(&iovec), 1, ADDRESS(size));
}
static inline int32_t read_bytes(uint32_t fd, void* buffer, uint32_t length, uint32_t* size) {
  const iovec_t iovec = {ADDRESS(buffer), length};
  return fd_read(fd, ADDRESS(&iovec), 1, ADDRESS(size));
}
/// Makes a file of this text, which must not exist.
static inline void make_file(const char* path, const char* text) {
  uint32_t size = 0;
  const uint32_t fd = create_file(path);
  if (fd == no_fd || write_text(fd, text, &size) != SUCCESS || size != strlen(text))
    check(0, "a file for the tests is made");
  fd_close(fd);
}
static inline int file_is(const char* path, const char* text) {
  char buffer[256];
  uint32_t size = 0;
  const uint32_t fd = open_file(path);
  const int32_t error = read_bytes(fd, buffer, sizeof buffer, &size);
  fd_close(fd);
  return error == SUCCESS && size == strlen(text) && memcmp(buffer, text, size) == 0;
}
static inline filestat_t stat_of(const char* path) {
  filestat_t stat;
  memset(&stat, 0xee, sizeof stat);
  path_filestat_get(root, 0, PATH(path), ADDRESS(&stat));
  return stat;
}
static inline uint64_t clock_now(uint32_t id) {
  uint64_t time = 0;
  clock_time_get(id, 0, ADDRESS(&time));
  return time;
}

// In the preopened directory.
static inline int32_t mkdir_at(const char* path) { return path_create_directory(root, PATH(path)); }
static inline int32_t rmdir_at(const char* path) { return path_remove_directory(root, PATH(path)); }
static inline int32_t unlink_at(const char* path) { return path_unlink_file(root, PATH(path)); }
static inline int32_t rename_at(const char* from, const char* to) {
  return path_rename(root, PATH(from), root, PATH(to));
}
static inline int32_t symlink_at(const char* target, const char* path) {
  return path_symlink(PATH(target), root, PATH(path));
}
static inline int32_t link_at(const char* from, const char* to) {
  return path_link(root, 0, PATH(from), root, PATH(to));
}
static inline int32_t open_at(uint32_t flags, const char* path, uint32_t oflags) {
  return open_error(root, flags, path, oflags, RIGHT_FD_READ, 0);
}
