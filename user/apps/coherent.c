/* SPDX-License-Identifier: MIT
 * That a file read ahead is not older than what a program knows. `coherent read DIRECTORY` reads a file byte
 * by byte, and `coherent write DIRECTORY` changes it in between; each hears from the other by its standard
 * input. The writer reports in TAP. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/apps/tap.h"

static char path[200];

static char get(int fd) {
  char byte = 0;
  return read(fd, &byte, 1) == 1 ? byte : 0;
}
static int put(int fd, char byte) { return write(fd, &byte, 1) == 1; }

static int reader(void) {
  char text[4096];
  memset(text, 'x', sizeof text);
  const int other = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644), file = open(path, O_RDONLY);
  if (other < 0 || file < 0 || write(other, text, sizeof text) != sizeof text) return 1;
  if (!put(1, get(file)) || get(0) != 'w') return 1; /* the writer has changed the second byte */
  if (!put(1, get(file)) || pwrite(other, "z", 1, 2) != 1) return 1;
  if (!put(1, get(file)) || get(0) != 'w') return 1; /* it has cut the file */
  return !put(1, get(file));
}

static void writer(void) {
  check(get(0) == 'x', "the reader reads what it wrote");
  const int file = open(path, O_RDWR);
  check(pwrite(file, "y", 1, 1) == 1 && put(2, 'w'), "another process changes what follows");
  check(get(0) == 'y', "the reader, told of it, sees that");
  check(get(0) == 'z', "it sees what it wrote itself, by another descriptor");
  check(ftruncate(file, 3) == 0 && put(2, 'w'), "the other process cuts the file");
  check(get(0) == 0, "the reader sees its end");
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  snprintf(path, sizeof path, "%s/file", argv[2]);
  if (argv[1][0] == 'r') return reader();
  writer();
  printf("1..%d\n", number);
  return failures != 0;
}
