/* SPDX-License-Identifier: MIT
 * WASI for programs with threads, which have no C library (threads.h), and short forms of it. The first
 * preopened directory is 3. */
#pragma once

#include "user/apps/threads.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

struct iovec {
  void* bytes;
  uint32_t length;
};
WASI(fd_read) int fd_read(uint32_t fd, const struct iovec* iovecs, uint32_t count, uint32_t* size);
WASI(fd_write) int fd_write(uint32_t fd, const struct iovec* iovecs, uint32_t count, uint32_t* size);
WASI(fd_seek) int fd_seek(uint32_t fd, int64_t offset, uint32_t whence, uint64_t* position);
WASI(fd_close) int fd_close(uint32_t fd);
WASI(path_open)
int path_open(uint32_t fd, uint32_t flags, const char* path, uint32_t length, uint32_t oflags, uint64_t base,
              uint64_t inheriting, uint32_t fd_flags, uint32_t* opened);
WASI(path_unlink_file) int path_unlink_file(uint32_t fd, const char* path, uint32_t length);
WASI(poll_oneoff) int poll_oneoff(const void* in, void* out, uint32_t count, uint32_t* events);
WASI(proc_exit) _Noreturn void proc_exit(uint32_t status);

enum { kDirectory = 3, kCreate = 1, kRead = 2, kSeek = 4, kWrite = 64, kBadf = 8 };

static inline int open_in(uint32_t directory, char letter, uint32_t* fd) {
  return path_open(directory, 0, &letter, 1, kCreate, kRead | kSeek | kWrite, 0, 0, fd);
}
static inline int open_file(char letter, uint32_t* fd) { return open_in(kDirectory, letter, fd); }
static inline int put(uint32_t fd, void* bytes, uint32_t length) {
  const struct iovec iovec = {bytes, length};
  uint32_t size = 0;
  return fd_write(fd, &iovec, 1, &size) == 0 && size == length;
}
static inline uint32_t get(uint32_t fd, void* bytes, uint32_t length) {
  const struct iovec iovec = {bytes, length};
  uint32_t size = 0;
  return fd_read(fd, &iovec, 1, &size) == 0 ? size : ~0u;
}
static inline int rewind(uint32_t fd) {
  uint64_t position;
  return fd_seek(fd, 0, 0, &position) == 0;
}
