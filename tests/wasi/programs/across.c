// SPDX-License-Identifier: MIT
// path_rename and path_link between two preopened directories, and to none.
#include "tap.h"

int main(void) {
  static const uint32_t other = 4;
  filestat_t stat;
  make_file("file", "content");
  const uint64_t inode = stat_of("file").inode;
  expect(path_link(root, 0, PATH("file"), other, PATH("linked")), SUCCESS,
         "path_link into another directory");
  expect(path_rename(root, PATH("file"), other, PATH("moved")), SUCCESS,
         "path_rename into another directory");
  check(path_filestat_get(other, 0, PATH("moved"), ADDRESS(&stat)) == SUCCESS && stat.inode == inode &&
            stat.links == 2,
        "where the file then is, under both names");
  expect(path_filestat_get(root, 0, PATH("file"), ADDRESS(&stat)), NOENT, "and not where it was");
  expect(path_rename(other, PATH("moved"), root, PATH("back")), SUCCESS, "path_rename back");
  expect(path_unlink_file(other, PATH("linked")), SUCCESS, "path_unlink_file in another directory");
  expect(path_rename(root, PATH("back"), root, PATH("missing/x")), NOENT,
         "path_rename into a missing directory");
  expect(path_rename(root, PATH("back"), nowhere, PATH("x")), BADF, "path_rename into no descriptor");
  return done();
}
