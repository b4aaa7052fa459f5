// SPDX-License-Identifier: MIT
// WASI snapshot preview 1 as a module imports it: the 46 functions with plain numbers for pointers, so that
// tests can pass any address, and what of the witx types the tests use. No C library is in between.
#pragma once

#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) extern

typedef uint32_t address_t;
#define ADDRESS(pointer) ((address_t)(uintptr_t)(pointer))

WASI(args_get) int32_t args_get(address_t argv, address_t buffer);
WASI(args_sizes_get) int32_t args_sizes_get(address_t count, address_t size);
WASI(environ_get) int32_t environ_get(address_t environ, address_t buffer);
WASI(environ_sizes_get) int32_t environ_sizes_get(address_t count, address_t size);
WASI(clock_res_get) int32_t clock_res_get(uint32_t id, address_t resolution);
WASI(clock_time_get) int32_t clock_time_get(uint32_t id, uint64_t precision, address_t time);
WASI(fd_advise) int32_t fd_advise(uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice);
WASI(fd_allocate) int32_t fd_allocate(uint32_t fd, uint64_t offset, uint64_t length);
WASI(fd_close) int32_t fd_close(uint32_t fd);
WASI(fd_datasync) int32_t fd_datasync(uint32_t fd);
WASI(fd_fdstat_get) int32_t fd_fdstat_get(uint32_t fd, address_t stat);
WASI(fd_fdstat_set_flags) int32_t fd_fdstat_set_flags(uint32_t fd, uint32_t flags);
WASI(fd_fdstat_set_rights) int32_t fd_fdstat_set_rights(uint32_t fd, uint64_t base, uint64_t inheriting);
WASI(fd_filestat_get) int32_t fd_filestat_get(uint32_t fd, address_t stat);
WASI(fd_filestat_set_size) int32_t fd_filestat_set_size(uint32_t fd, uint64_t size);
WASI(fd_filestat_set_times)
int32_t fd_filestat_set_times(uint32_t fd, uint64_t atim, uint64_t mtim, uint32_t flags);
WASI(fd_pread)
int32_t fd_pread(uint32_t fd, address_t iovecs, uint32_t count, uint64_t offset, address_t size);
WASI(fd_prestat_get) int32_t fd_prestat_get(uint32_t fd, address_t prestat);
WASI(fd_prestat_dir_name) int32_t fd_prestat_dir_name(uint32_t fd, address_t path, uint32_t length);
WASI(fd_pwrite)
int32_t fd_pwrite(uint32_t fd, address_t iovecs, uint32_t count, uint64_t offset, address_t size);
WASI(fd_read) int32_t fd_read(uint32_t fd, address_t iovecs, uint32_t count, address_t size);
WASI(fd_readdir)
int32_t fd_readdir(uint32_t fd, address_t buffer, uint32_t length, uint64_t cookie, address_t size);
WASI(fd_renumber) int32_t fd_renumber(uint32_t from, uint32_t to);
WASI(fd_seek) int32_t fd_seek(uint32_t fd, int64_t offset, uint32_t whence, address_t position);
WASI(fd_sync) int32_t fd_sync(uint32_t fd);
WASI(fd_tell) int32_t fd_tell(uint32_t fd, address_t position);
WASI(fd_write) int32_t fd_write(uint32_t fd, address_t iovecs, uint32_t count, address_t size);
WASI(path_create_directory) int32_t path_create_directory(uint32_t fd, address_t path, uint32_t length);
WASI(path_filestat_get)
int32_t path_filestat_get(uint32_t fd, uint32_t flags, address_t path, uint32_t length, address_t stat);
WASI(path_filestat_set_times)
int32_t path_filestat_set_times(uint32_t fd, uint32_t flags, address_t path, uint32_t length, uint64_t atim,
                                uint64_t mtim, uint32_t time_flags);
WASI(path_link)
int32_t path_link(uint32_t old_fd, uint32_t old_flags, address_t old_path, uint32_t old_length,
                  uint32_t new_fd, address_t new_path, uint32_t new_length);
WASI(path_open)
int32_t path_open(uint32_t fd, uint32_t flags, address_t path, uint32_t length, uint32_t oflags,
                  uint64_t base, uint64_t inheriting, uint32_t fd_flags, address_t opened);
WASI(path_readlink)
int32_t path_readlink(uint32_t fd, address_t path, uint32_t length, address_t buffer, uint32_t buffer_length,
                      address_t size);
WASI(path_remove_directory) int32_t path_remove_directory(uint32_t fd, address_t path, uint32_t length);
WASI(path_rename)
int32_t path_rename(uint32_t old_fd, address_t old_path, uint32_t old_length, uint32_t new_fd,
                    address_t new_path, uint32_t new_length);
WASI(path_symlink)
int32_t path_symlink(address_t target, uint32_t target_length, uint32_t fd, address_t path, uint32_t length);
WASI(path_unlink_file) int32_t path_unlink_file(uint32_t fd, address_t path, uint32_t length);
WASI(poll_oneoff) int32_t poll_oneoff(address_t in, address_t out, uint32_t count, address_t events);
WASI(proc_exit) _Noreturn void proc_exit(uint32_t status);
WASI(proc_raise) int32_t proc_raise(uint32_t signal);
WASI(sched_yield) int32_t sched_yield(void);
WASI(random_get) int32_t random_get(address_t buffer, uint32_t length);
WASI(sock_accept) int32_t sock_accept(uint32_t fd, uint32_t flags, address_t accepted);
WASI(sock_recv)
int32_t sock_recv(uint32_t fd, address_t iovecs, uint32_t count, uint32_t flags, address_t size,
                  address_t result_flags);
WASI(sock_send)
int32_t sock_send(uint32_t fd, address_t iovecs, uint32_t count, uint32_t flags, address_t size);
WASI(sock_shutdown) int32_t sock_shutdown(uint32_t fd, uint32_t how);

// clang-format off
enum {
  SUCCESS, TOOBIG, ACCES, ADDRINUSE, ADDRNOTAVAIL, AFNOSUPPORT, AGAIN, ALREADY, BADF, BADMSG, BUSY, CANCELED, CHILD, CONNABORTED,
  CONNREFUSED, CONNRESET, DEADLK, DESTADDRREQ, DOM, DQUOT, EXIST, FAULT, FBIG, HOSTUNREACH, IDRM, ILSEQ, INPROGRESS, INTR, INVAL, IO,
  ISCONN, ISDIR, LOOP, MFILE, MLINK, MSGSIZE, MULTIHOP, NAMETOOLONG, NETDOWN, NETRESET, NETUNREACH, NFILE, NOBUFS, NODEV, NOENT,
  NOEXEC, NOLCK, NOLINK, NOMEM, NOMSG, NOPROTOOPT, NOSPC, NOSYS, NOTCONN, NOTDIR, NOTEMPTY, NOTRECOVERABLE, NOTSOCK, NOTSUP, NOTTY,
  NXIO, OVERFLOW, OWNERDEAD, PERM, PIPE, PROTO, PROTONOSUPPORT, PROTOTYPE, RANGE, ROFS, SPIPE, SRCH, STALE, TIMEDOUT, TXTBSY, XDEV,
  NOTCAPABLE,
};
static const char* const errno_names[] = {
  "success", "toobig", "acces", "addrinuse", "addrnotavail", "afnosupport", "again", "already", "badf", "badmsg", "busy", "canceled",
  "child", "connaborted", "connrefused", "connreset", "deadlk", "destaddrreq", "dom", "dquot", "exist", "fault", "fbig",
  "hostunreach", "idrm", "ilseq", "inprogress", "intr", "inval", "io", "isconn", "isdir", "loop", "mfile", "mlink", "msgsize",
  "multihop", "nametoolong", "netdown", "netreset", "netunreach", "nfile", "nobufs", "nodev", "noent", "noexec", "nolck", "nolink",
  "nomem", "nomsg", "noprotoopt", "nospc", "nosys", "notconn", "notdir", "notempty", "notrecoverable", "notsock", "notsup", "notty",
  "nxio", "overflow", "ownerdead", "perm", "pipe", "proto", "protonosupport", "prototype", "range", "rofs", "spipe", "srch",
  "stale", "timedout", "txtbsy", "xdev", "notcapable",
};

enum {
  RIGHT_FD_DATASYNC = 1 << 0, RIGHT_FD_READ = 1 << 1, RIGHT_FD_SEEK = 1 << 2, RIGHT_FD_SET_FLAGS = 1 << 3, RIGHT_FD_SYNC = 1 << 4,
  RIGHT_FD_TELL = 1 << 5, RIGHT_FD_WRITE = 1 << 6, RIGHT_FD_ADVISE = 1 << 7, RIGHT_FD_ALLOCATE = 1 << 8,
  RIGHT_PATH_CREATE_DIRECTORY = 1 << 9, RIGHT_PATH_CREATE_FILE = 1 << 10, RIGHT_PATH_LINK_SOURCE = 1 << 11,
  RIGHT_PATH_LINK_TARGET = 1 << 12, RIGHT_PATH_OPEN = 1 << 13, RIGHT_FD_READDIR = 1 << 14, RIGHT_PATH_READLINK = 1 << 15,
  RIGHT_PATH_RENAME_SOURCE = 1 << 16, RIGHT_PATH_RENAME_TARGET = 1 << 17, RIGHT_PATH_FILESTAT_GET = 1 << 18,
  RIGHT_PATH_SET_SIZE = 1 << 19, RIGHT_PATH_SET_TIMES = 1 << 20, RIGHT_FD_FILESTAT_GET = 1 << 21, RIGHT_FD_SET_SIZE = 1 << 22,
  RIGHT_FD_SET_TIMES = 1 << 23, RIGHT_PATH_SYMLINK = 1 << 24, RIGHT_PATH_REMOVE_DIRECTORY = 1 << 25,
  RIGHT_PATH_UNLINK_FILE = 1 << 26, RIGHT_POLL = 1 << 27, RIGHT_SOCK_SHUTDOWN = 1 << 28, RIGHT_SOCK_ACCEPT = 1 << 29,
  ALL_RIGHTS = (1 << 30) - 1,
  FILE_RIGHTS = RIGHT_FD_DATASYNC | RIGHT_FD_READ | RIGHT_FD_SEEK | RIGHT_FD_SET_FLAGS | RIGHT_FD_SYNC | RIGHT_FD_TELL |
      RIGHT_FD_WRITE | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_GET | RIGHT_FD_SET_SIZE | RIGHT_FD_SET_TIMES |
      RIGHT_POLL,
};
enum { TYPE_UNKNOWN, TYPE_BLOCK, TYPE_CHARACTER, TYPE_DIRECTORY, TYPE_FILE, TYPE_DGRAM, TYPE_STREAM, TYPE_SYMLINK };
enum { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 };
enum { SET_ATIM = 1, SET_ATIM_NOW = 2, SET_MTIM = 4, SET_MTIM_NOW = 8 };
enum { FOLLOW = 1 };
enum { CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8 };
enum { WHENCE_SET, WHENCE_CUR, WHENCE_END };
enum { REALTIME, MONOTONIC, PROCESS_CPU, THREAD_CPU };
enum { EVENT_CLOCK, EVENT_READ, EVENT_WRITE };
enum { ABSOLUTE = 1 };
// clang-format on

typedef struct {
  address_t buffer;
  uint32_t length;
} iovec_t;

typedef struct {
  uint8_t type;
  uint16_t flags;
  uint64_t base, inheriting;
} fdstat_t;
_Static_assert(sizeof(fdstat_t) == 24, "fdstat");

typedef struct {
  uint64_t device, inode;
  uint8_t type;
  uint64_t links, size, atim, mtim, ctim;
} filestat_t;
_Static_assert(sizeof(filestat_t) == 64, "filestat");

typedef struct {
  uint64_t next, inode;
  uint32_t name_length;
  uint8_t type;
} dirent_t;
_Static_assert(sizeof(dirent_t) == 24, "dirent");

typedef struct {
  uint8_t tag;
  uint32_t name_length;
} prestat_t;
_Static_assert(sizeof(prestat_t) == 8, "prestat");

typedef struct {
  uint64_t userdata;
  uint8_t tag;
  union {
    struct {
      uint32_t id;
      uint64_t timeout, precision;
      uint16_t flags;
    } clock;
    uint32_t fd;
  };
} subscription_t;
_Static_assert(sizeof(subscription_t) == 48, "subscription");

typedef struct {
  uint64_t userdata;
  uint16_t error;
  uint8_t type;
  uint64_t bytes;
  uint16_t flags;
} event_t;
_Static_assert(sizeof(event_t) == 32, "event");
