// SPDX-License-Identifier: MIT
// What the benchmarks' programs need of WASI preview 1 when wasm2c has made C of them: arguments, standard
// input and output, clocks. No files; what is not named here fails to link.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <wasm-rt.h>

typedef struct Z_program_instance_t Program;
wasm_rt_memory_t* Z_programZ_memory(Program* program);

// wasm2c's context of the imports.
struct Z_wasi_snapshot_preview1_instance_t {
  Program* program;
  int argc;
  char** argv;
};
typedef struct Z_wasi_snapshot_preview1_instance_t Wasi;

enum { kBadFile = 8, kNotSupported = 52, kSpipe = 70 };

#define WASI(name) Z_wasi_snapshot_preview1Z_##name

static uint8_t* at(Wasi* wasi, uint32_t address) { return Z_programZ_memory(wasi->program)->data + address; }
static void put32(Wasi* wasi, uint32_t address, uint32_t value) { memcpy(at(wasi, address), &value, 4); }
static void put64(Wasi* wasi, uint32_t address, uint64_t value) { memcpy(at(wasi, address), &value, 8); }
static uint32_t get32(Wasi* wasi, uint32_t address) {
  uint32_t value;
  memcpy(&value, at(wasi, address), 4);
  return value;
}

uint32_t WASI(args_sizes_get)(Wasi* wasi, uint32_t count, uint32_t bytes) {
  uint32_t size = 0;
  for (int i = 0; i < wasi->argc; i++) size += (uint32_t)strlen(wasi->argv[i]) + 1;
  put32(wasi, count, (uint32_t)wasi->argc);
  put32(wasi, bytes, size);
  return 0;
}
uint32_t WASI(args_get)(Wasi* wasi, uint32_t pointers, uint32_t text) {
  for (int i = 0; i < wasi->argc; i++) {
    const uint32_t size = (uint32_t)strlen(wasi->argv[i]) + 1;
    memcpy(at(wasi, text), wasi->argv[i], size);
    put32(wasi, pointers + 4 * (uint32_t)i, text);
    text += size;
  }
  return 0;
}
uint32_t WASI(environ_sizes_get)(Wasi* wasi, uint32_t count, uint32_t bytes) {
  put32(wasi, count, 0);
  put32(wasi, bytes, 0);
  return 0;
}
uint32_t WASI(environ_get)(Wasi* wasi, uint32_t pointers, uint32_t text) {
  return (void)wasi, (void)pointers, (void)text, 0;
}

uint32_t WASI(clock_time_get)(Wasi* wasi, uint32_t clock, uint64_t precision, uint32_t time) {
  (void)precision;
  struct timespec now;
  clock_gettime(clock == 0 ? CLOCK_REALTIME : clock == 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &now);
  put64(wasi, time, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
  return 0;
}
uint32_t WASI(random_get)(Wasi* wasi, uint32_t buffer, uint32_t size) {
  return getrandom(at(wasi, buffer), size, 0) == (ssize_t)size ? 0 : kNotSupported;
}

static uint32_t transfer(Wasi* wasi, uint32_t fd, uint32_t vectors, uint32_t count, uint32_t result,
                         int is_write) {
  if (fd > 2) return kBadFile;
  uint32_t total = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t size = get32(wasi, vectors + 8 * i + 4);
    uint8_t* bytes = at(wasi, get32(wasi, vectors + 8 * i));
    const ssize_t done = is_write ? write((int)fd, bytes, size) : read((int)fd, bytes, size);
    if (done < 0) return kBadFile;
    total += (uint32_t)done;
    if ((uint32_t)done < size) break;
  }
  put32(wasi, result, total);
  return 0;
}
uint32_t WASI(fd_write)(Wasi* wasi, uint32_t fd, uint32_t vectors, uint32_t count, uint32_t result) {
  return transfer(wasi, fd, vectors, count, result, 1);
}
uint32_t WASI(fd_read)(Wasi* wasi, uint32_t fd, uint32_t vectors, uint32_t count, uint32_t result) {
  return transfer(wasi, fd, vectors, count, result, 0);
}
uint32_t WASI(fd_fdstat_get)(Wasi* wasi, uint32_t fd, uint32_t stat) {
  if (fd > 2) return kBadFile;
  memset(at(wasi, stat), 0, 24);
  *at(wasi, stat) = 4;  // a regular file, for whole buffers
  put64(wasi, stat + 8, ~0ull);
  return 0;
}
void WASI(proc_exit)(Wasi* wasi, uint32_t status) { (void)wasi, _exit((int)status); }

// Descriptors above 2 do not exist, and the first three cannot be sought in.
#define NO_FILE(name) \
  uint32_t WASI(name)(void) { return kBadFile; }
#define NOT_SUPPORTED(name) \
  uint32_t WASI(name)(void) { return kNotSupported; }
uint32_t WASI(fd_seek)(void) { return kSpipe; }
uint32_t WASI(fd_tell)(void) { return kSpipe; }
uint32_t WASI(fd_close)(void) { return 0; }
NO_FILE(fd_prestat_get)
NO_FILE(fd_prestat_dir_name)
NO_FILE(fd_fdstat_set_flags)
NO_FILE(fd_filestat_get)
NO_FILE(fd_renumber)
NOT_SUPPORTED(path_open)
NOT_SUPPORTED(path_filestat_get)
NOT_SUPPORTED(path_filestat_set_times)
NOT_SUPPORTED(path_remove_directory)
NOT_SUPPORTED(path_rename)
NOT_SUPPORTED(path_unlink_file)
NOT_SUPPORTED(poll_oneoff)

// Defined here because only this file knows the context's type.
Wasi* wasi_of(Program* program, int argc, char** argv) {
  static Wasi wasi;
  wasi = (Wasi){program, argc, argv};
  return &wasi;
}
