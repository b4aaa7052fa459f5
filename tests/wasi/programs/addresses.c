// SPDX-License-Identifier: MIT
// Addresses outside of the memory, in every pointer argument of every function: the errno is fault, nothing
// is done, and the program goes on. Standard input holds "abc".
#include "tap.h"

static uint64_t out[64];

static void faults(address_t bad, const char* where) {
  const iovec_t good = {ADDRESS(out), 8}, iovec = {bad, 8}, huge = {ADDRESS(out), 0xffffff00};
  const address_t o = ADDRESS(out);
  const uint32_t file = open_file("file"), dir = open_with(root, ".", 0, RIGHT_FD_READDIR, 0);
  subscription_t s = {.tag = EVENT_CLOCK};
  s.clock.id = MONOTONIC;
  const struct {
    const char* name;
    int32_t result;
  } calls[] = {
      {"args_sizes_get", args_sizes_get(bad, o)},
      {"args_sizes_get 2", args_sizes_get(o, bad)},
      {"args_get", args_get(bad, o)},
      {"args_get 2", args_get(o, bad)},
      {"environ_sizes_get", environ_sizes_get(bad, o)},
      {"environ_sizes_get 2", environ_sizes_get(o, bad)},
      {"environ_get", environ_get(bad, o)},
      {"environ_get 2", environ_get(o, bad)},
      {"clock_res_get", clock_res_get(MONOTONIC, bad)},
      {"clock_time_get", clock_time_get(MONOTONIC, 0, bad)},
      {"fd_fdstat_get", fd_fdstat_get(file, bad)},
      {"fd_filestat_get", fd_filestat_get(file, bad)},
      {"fd_pread", fd_pread(file, bad, 1, 0, o)},
      {"fd_pread's vector", fd_pread(file, ADDRESS(&iovec), 1, 0, o)},
      {"fd_pread's size", fd_pread(file, ADDRESS(&good), 1, 0, bad)},
      {"fd_prestat_get", fd_prestat_get(3, bad)},
      {"fd_prestat_dir_name", fd_prestat_dir_name(4, bad, 6)},
      {"fd_pwrite", fd_pwrite(file, bad, 1, 0, o)},
      {"fd_pwrite's vector", fd_pwrite(file, ADDRESS(&iovec), 1, 0, o)},
      {"fd_pwrite's huge vector", fd_pwrite(file, ADDRESS(&huge), 1, 0, o)},
      {"fd_read", fd_read(file, bad, 1, o)},
      {"fd_read's vector", fd_read(file, ADDRESS(&iovec), 1, o)},
      {"fd_read's huge vector", fd_read(file, ADDRESS(&huge), 1, o)},
      {"fd_read's size", fd_read(file, ADDRESS(&good), 1, bad)},
      {"fd_read of standard input", fd_read(0, bad, 1, o)},
      {"fd_read's vector of standard input", fd_read(0, ADDRESS(&iovec), 1, o)},
      {"fd_read's size of standard input", fd_read(0, ADDRESS(&good), 1, bad)},
      {"fd_readdir", fd_readdir(dir, bad, 100, 0, o)},
      {"fd_readdir's size", fd_readdir(dir, o, 100, 0, bad)},
      {"fd_seek", fd_seek(file, 2, WHENCE_SET, bad)},
      {"fd_tell", fd_tell(file, bad)},
      {"fd_write", fd_write(file, bad, 1, o)},
      {"fd_write's vector", fd_write(file, ADDRESS(&iovec), 1, o)},
      {"fd_write's huge vector", fd_write(file, ADDRESS(&huge), 1, o)},
      {"fd_write's size", fd_write(file, ADDRESS(&good), 1, bad)},
      {"fd_write of standard output", fd_write(1, bad, 1, o)},
      {"fd_write's vector of standard output", fd_write(1, ADDRESS(&iovec), 1, o)},
      {"fd_write's huge vector of standard output", fd_write(1, ADDRESS(&huge), 1, o)},
      {"fd_write of 2^32-1 vectors", fd_write(1, o, 0xffffffff, o)},
      {"fd_read of 2^29 vectors", fd_read(file, o, 0x20000000, o)},
      {"path_create_directory", path_create_directory(3, bad, 4)},
      {"path_filestat_get", path_filestat_get(3, 0, bad, 4, o)},
      {"path_filestat_get's result", path_filestat_get(3, 0, PATH("file"), bad)},
      {"path_filestat_set_times", path_filestat_set_times(3, 0, bad, 4, 0, 0, 0)},
      {"path_link", path_link(3, 0, bad, 4, 3, PATH("x"))},
      {"path_link 2", path_link(3, 0, PATH("file"), 3, bad, 4)},
      {"path_open", path_open(3, 0, bad, 4, 0, 0, 0, 0, o)},
      {"path_open's result", path_open(3, 0, PATH("new"), CREAT, 0, 0, 0, bad)},
      {"path_readlink", path_readlink(3, bad, 4, o, 8, o)},
      {"path_readlink's buffer", path_readlink(3, PATH("link"), bad, 8, o)},
      {"path_readlink's size", path_readlink(3, PATH("link"), o, 8, bad)},
      {"path_remove_directory", path_remove_directory(3, bad, 4)},
      {"path_rename", path_rename(3, bad, 4, 3, PATH("x"))},
      {"path_rename 2", path_rename(3, PATH("file"), 3, bad, 4)},
      {"path_symlink", path_symlink(bad, 4, 3, PATH("x"))},
      {"path_symlink 2", path_symlink(PATH("file"), 3, bad, 4)},
      {"path_unlink_file", path_unlink_file(3, bad, 4)},
      {"poll_oneoff", poll_oneoff(bad, o, 1, o)},
      {"poll_oneoff's events", poll_oneoff(ADDRESS(&s), bad, 1, o)},
      {"poll_oneoff's number", poll_oneoff(ADDRESS(&s), o, 1, bad)},
      {"random_get", random_get(bad, 8)},
      {"random_get of 4 GiB", random_get(o, 0xffffff00)},
  };
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    char what[96];
    snprintf(what, sizeof what, "%s, %s", calls[i].name, where);
    expect(calls[i].result, FAULT, what);
  }
  uint64_t at = 0;
  char what[96];
  snprintf(what, sizeof what, "no position moved, %s", where);
  check(fd_tell(file, ADDRESS(&at)) == SUCCESS && at == 0, what);
  fd_close(file);
  fd_close(dir);
}

int main(void) {
  make_file("file", "0123456789");
  path_symlink(PATH("file"), root, PATH("link"));
  const address_t end = (address_t)(__builtin_wasm_memory_size(0) * 65536);
  faults(end, "at the memory's end");
  faults(end - 2, "across the memory's end");
  faults(0xfffffffe, "at the end of all addresses");
  char text[8];
  uint32_t size = 0;
  check(file_is("file", "0123456789") && stat_of("new").size != 0, "no file was changed or made");
  check(read_bytes(0, text, 8, &size) == SUCCESS && size == 3 && !memcmp(text, "abc", 3),
        "no input was lost");
  return done();
}
