// SPDX-License-Identifier: MIT
// sock_*: what they say to descriptors that are no sockets. There are no others, since nothing makes a socket
// in preview 1.
#include "tap.h"

int main(void) {
  char byte = 0;
  uint32_t size = 0, flags = 0, fd = 0;
  const iovec_t iovec = {ADDRESS(&byte), 1};
  make_file("file", "");
  const uint32_t file = open_file("file");
  const struct {
    uint32_t fd;
    const char* name;
  } kinds[] = {{file, "a file"}, {root, "a directory"}, {0, "standard input"}, {1, "standard output"}};
  for (int i = 0; i < 4; i++) {
    char what[48];
    snprintf(what, sizeof what, "sock_accept of %s", kinds[i].name);
    expect(sock_accept(kinds[i].fd, 0, ADDRESS(&fd)), NOTSOCK, what);
    snprintf(what, sizeof what, "sock_recv of %s", kinds[i].name);
    expect(sock_recv(kinds[i].fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size), ADDRESS(&flags)), NOTSOCK, what);
    snprintf(what, sizeof what, "sock_send of %s", kinds[i].name);
    expect(sock_send(kinds[i].fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)), NOTSOCK, what);
    snprintf(what, sizeof what, "sock_shutdown of %s", kinds[i].name);
    expect(sock_shutdown(kinds[i].fd, 3), NOTSOCK, what);
  }
  return done();
}
