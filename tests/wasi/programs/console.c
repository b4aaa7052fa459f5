// SPDX-License-Identifier: MIT
// Descriptors 0, 1 and 2, which are neither files nor terminals here, and numbers that are no descriptors.
// Standard input holds "abcdefgh".
#include "tap.h"

static void streams(void) {
  char text[8];
  uint32_t size = 0;
  uint64_t at;
  fdstat_t stat;
  filestat_t filestat;
  const iovec_t vectors[] = {{ADDRESS(text), 2}, {ADDRESS(text + 4), 1}};
  for (uint32_t fd = 0; fd < 3; fd++) {
    char what[48];
    snprintf(what, sizeof what, "descriptor %u: ", fd);
    char* end = what + strlen(what);
    strcpy(end, "fd_fdstat_get");
    check(
        fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.type != TYPE_FILE && stat.type != TYPE_DIRECTORY,
        what);
    strcpy(end, "fd_filestat_get");
    expect(fd_filestat_get(fd, ADDRESS(&filestat)), SUCCESS, what);
    strcpy(end, "fd_seek");
    expect(fd_seek(fd, 0, WHENCE_CUR, ADDRESS(&at)), SPIPE, what);
    strcpy(end, "fd_tell");
    expect(fd_tell(fd, ADDRESS(&at)), SPIPE, what);
    strcpy(end, "path_open");
    expect(open_error(fd, 0, "x", 0, 0, 0), NOTDIR, what);
    strcpy(end, "fd_readdir");
    expect(fd_readdir(fd, ADDRESS(text), 8, 0, ADDRESS(&size)), NOTDIR, what);
  }
  expect(fd_pread(0, ADDRESS(vectors), 1, 0, ADDRESS(&size)), SPIPE, "fd_pread of standard input");
  expect(fd_pwrite(1, ADDRESS(vectors), 1, 0, ADDRESS(&size)), SPIPE, "fd_pwrite of standard output");
  expect(write_text(0, "x", &size), BADF, "fd_write of standard input");
  expect(fd_read(1, ADDRESS(vectors), 1, ADDRESS(&size)), BADF, "fd_read of standard output");
  expect(fd_read(2, ADDRESS(vectors), 1, ADDRESS(&size)), BADF, "fd_read of standard error");
  memset(text, 'x', sizeof text);
  check(fd_read(0, ADDRESS(vectors), 2, ADDRESS(&size)) == SUCCESS && size == 3 && !memcmp(text, "abxxc", 5),
        "fd_read of standard input into two vectors");
  check(read_bytes(0, text, 8, &size) == SUCCESS && size == 5 && !memcmp(text, "defgh", 5),
        "fd_read of what is left");
  check(read_bytes(0, text, 8, &size) == SUCCESS && size == 0, "fd_read at the end");
  check(write_text(2, "to standard error\n", &size) == SUCCESS && size == 18, "fd_write of standard error");
}

static void moved(void) {
  uint32_t size;
  make_file("sink", "");
  const uint32_t file = open_file("sink");
  expect(fd_renumber(2, file), SUCCESS, "fd_renumber of standard error");
  expect(write_text(2, "x", &size), BADF, "standard error is closed then");
  check(write_text(file, "through a file's number\n", &size) == SUCCESS && size == 24,
        "and has the new number");
  const uint32_t low = open_file("sink");
  check(low == 2, "the lowest free number is taken next");
  expect(fd_close(low), SUCCESS, "fd_close of it");
  expect(fd_close(0), SUCCESS, "fd_close of standard input");
  expect(read_bytes(0, &size, 1, &size), BADF, "fd_read of it then");
  const uint32_t again = open_file("sink");
  check(again == 0 && read_bytes(0, &size, 1, &size) == SUCCESS && size == 0, "a file as standard input");
}

static void numbers(void) {
  static const uint32_t bad[] = {5, 99, 4095, 4096, 0x7fffffff, 0x80000000, 0xffffffff};
  uint64_t out[8];
  const iovec_t iovec = {ADDRESS(out), 1};
  for (int i = 0; i < 7; i++) {
    const uint32_t fd = bad[i];
    int32_t results[] = {fd_advise(fd, 0, 0, 0),
                         fd_allocate(fd, 0, 1),
                         fd_close(fd),
                         fd_datasync(fd),
                         fd_fdstat_get(fd, ADDRESS(out)),
                         fd_fdstat_set_flags(fd, 0),
                         fd_fdstat_set_rights(fd, 0, 0),
                         fd_filestat_get(fd, ADDRESS(out)),
                         fd_filestat_set_size(fd, 0),
                         fd_filestat_set_times(fd, 0, 0, 0),
                         fd_pread(fd, ADDRESS(&iovec), 1, 0, ADDRESS(out)),
                         fd_prestat_get(fd, ADDRESS(out)),
                         fd_prestat_dir_name(fd, ADDRESS(out), 8),
                         fd_pwrite(fd, ADDRESS(&iovec), 1, 0, ADDRESS(out)),
                         fd_read(fd, ADDRESS(&iovec), 1, ADDRESS(out)),
                         fd_readdir(fd, ADDRESS(out), 8, 0, ADDRESS(out)),
                         fd_renumber(fd, 1),
                         fd_renumber(1, fd),
                         fd_seek(fd, 0, 0, ADDRESS(out)),
                         fd_sync(fd),
                         fd_tell(fd, ADDRESS(out)),
                         fd_write(fd, ADDRESS(&iovec), 1, ADDRESS(out)),
                         path_create_directory(fd, PATH("x")),
                         path_filestat_get(fd, 0, PATH("x"), ADDRESS(out)),
                         path_filestat_set_times(fd, 0, PATH("x"), 0, 0, 0),
                         path_link(fd, 0, PATH("x"), root, PATH("y")),
                         open_error(fd, 0, "x", 0, 0, 0),
                         path_readlink(fd, PATH("x"), ADDRESS(out), 8, ADDRESS(out)),
                         path_remove_directory(fd, PATH("x")),
                         path_rename(fd, PATH("x"), root, PATH("y")),
                         path_symlink(PATH("x"), fd, PATH("y")),
                         path_unlink_file(fd, PATH("x")),
                         sock_accept(fd, 0, ADDRESS(out)),
                         sock_shutdown(fd, 1),
                         sock_recv(fd, ADDRESS(&iovec), 1, 0, ADDRESS(out), ADDRESS(out + 1)),
                         sock_send(fd, ADDRESS(&iovec), 1, 0, ADDRESS(out))};
    int right = 1;
    for (size_t j = 0; j < sizeof results / sizeof results[0]; j++) {
      right &= results[j] == BADF;
      if (results[j] != BADF) printf("# call %zu of descriptor %u gives %d\n", j, fd, results[j]);
    }
    char what[64];
    snprintf(what, sizeof what, "all calls refuse descriptor %u", fd);
    check(right, what);
  }
}

int main(void) {
  numbers();
  streams();
  moved();
  return done();
}
