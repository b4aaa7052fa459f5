// SPDX-License-Identifier: MIT
// The host's directory vanishes while the program uses it, between "ready" in it and the byte on standard
// input.
#include "tap.h"

int main(void) {
  char byte, text[8];
  uint32_t size = 0;
  filestat_t stat;
  make_file("file", "content");
  path_create_directory(root, PATH("dir"));
  const uint32_t file = open_file("file"),
                 dir = open_with(root, "dir", DIRECTORY, RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE, 0);
  make_file("ready", "");
  read_bytes(0, &byte, 1, &size);
  expect(open_error(root, 0, "file", 0, 0, 0), NOENT, "path_open of a file that was there");
  expect(open_error(root, 0, "new", CREAT, 0, 0), NOENT, "path_open with creat");
  expect(path_create_directory(root, PATH("new")), NOENT, "path_create_directory");
  expect(path_filestat_get(root, 0, PATH("dir"), ADDRESS(&stat)), NOENT, "path_filestat_get");
  expect(path_rename(root, PATH("file"), root, PATH("other")), NOENT, "path_rename");
  expect(path_symlink(PATH("file"), root, PATH("link")), NOENT, "path_symlink");
  check(read_bytes(file, text, 7, &size) == SUCCESS && size == 7, "an open file can still be read");
  check(fd_filestat_get(file, ADDRESS(&stat)) == SUCCESS && stat.links == 0,
        "fd_filestat_get tells that it has no name");
  check(fd_filestat_get(root, ADDRESS(&stat)) == SUCCESS && stat.type == TYPE_DIRECTORY,
        "the directory's descriptor is good");
  expect(open_error(dir, 0, "x", CREAT, 0, 0), NOENT, "path_open in a directory that vanished too");
  expect(fd_close(dir), SUCCESS, "fd_close");
  return done();
}
