// SPDX-License-Identifier: MIT
// Meanwhile the directory's owner renames "way", which is a directory with the file "secret" that says
// "inside", and a link out of the preopened directory to one that says "not to be seen", to and fro. No
// attempt may read the latter.
#include "tap.h"

int main(void) {
  int inside = 0, refused = 0, seen = 0;
  const uint64_t start = clock_now(MONOTONIC);
  // On a busy host the owner may get to rename late.
  for (uint64_t took = 0; took < 1500000000 || ((!inside || !refused) && took < 30000000000);
       took = clock_now(MONOTONIC) - start) {
    char text[32] = "";
    uint32_t size = 0, fd = no_fd;
    const int32_t error =
        path_open(root, FOLLOW, PATH("way/./../way/secret"), 0, RIGHT_FD_READ, 0, 0, ADDRESS(&fd));
    if (error == SUCCESS) {
      read_bytes(fd, text, sizeof text, &size);
      inside += !memcmp(text, "inside", 6);
      seen += !memcmp(text, "not to", 6);
      fd_close(fd);
    } else {
      refused += error == PERM || error == NOENT || error == NOTDIR || error == LOOP;
    }
    path_create_directory(root, PATH("way/made"));
    path_remove_directory(root, PATH("way/made"));
  }
  check(seen == 0, "nothing outside is read");
  check(inside > 0 && refused > 0, "both the directory and the link were met");
  return done();
}
