// SPDX-License-Identifier: MIT
// A directory on a file system of 1 MiB that gets full: nospc, and what was written before stays. Only where
// the tests can mount one.
#include "tap.h"

int main(void) {
  static char bytes[300000];
  uint32_t size = 0, total = 0;
  memset(bytes, 'x', sizeof bytes);
  const uint32_t fd = create_file("large");
  const iovec_t iovec = {ADDRESS(bytes), sizeof bytes};
  int32_t error = SUCCESS;
  for (int i = 0; i < 8 && error == SUCCESS; i++) {
    size = 0;
    error = fd_write(fd, ADDRESS(&iovec), 1, ADDRESS(&size));
    total += error == SUCCESS ? size : 0;
  }
  expect(error, NOSPC, "fd_write to a full disk");
  check(total > 900000 && total <= 1048576, "what had room was written");
  uint64_t at = 0;
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == total && stat_of("large").size == total,
        "the position and the size are those of what was written");
  expect(fd_allocate(fd, 0, 2000000), NOSPC, "fd_allocate on a full disk");
  check(stat_of("large").size == total, "which changes nothing");
  expect(fd_pwrite(fd, ADDRESS(&iovec), 1, 2000000, ADDRESS(&size)), NOSPC, "fd_pwrite to a full disk");
  expect(path_unlink_file(root, PATH("large")), SUCCESS, "path_unlink_file on a full disk");
  fd_close(fd);
  make_file("small", "there is room again");
  check(file_is("small", "there is room again"), "there is room again");
  return done();
}
