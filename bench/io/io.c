/* SPDX-License-Identifier: MIT
 * bench/io's program, the same for WebAssembly and for Linux: `io DIRECTORY MEGABYTES FILES` measures files
 * in the directory and prints a line for each: name, number, unit. `io source MEGABYTES` writes so much to
 * its standard output, `io sink` reads its standard input to the end and prints how fast it came. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { kBlock = 65536, kMegabyte = 1 << 20, kSmall = 1000 };
static char block[kBlock];

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void report(const char* name, double value, const char* unit) {
  printf("%s %.1f %s\n", name, value, unit);
  fflush(stdout);
}

static void write_all(int fd, long bytes) {
  while (bytes > 0) {
    const ssize_t count = write(fd, block, kBlock);
    if (count <= 0) fail("write");
    bytes -= count;
  }
}

static long read_all(int fd) {
  long bytes = 0;
  while (1) {
    const ssize_t count = read(fd, block, kBlock);
    if (count < 0) fail("read");
    if (count == 0) return bytes;
    bytes += count;
  }
}

static void large(const char* directory, long megabytes) {
  char path[200];
  snprintf(path, sizeof path, "%s/large", directory);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);
  if (fd < 0) fail(path);
  double start = seconds();
  write_all(fd, megabytes * kMegabyte);
  close(fd);
  report("write", (double)megabytes / (seconds() - start), "MiB/s");
  fd = open(path, O_RDONLY);
  if (fd < 0) fail(path);
  start = seconds();
  if (read_all(fd) != megabytes * kMegabyte) fail("a short file");
  report("read", (double)megabytes / (seconds() - start), "MiB/s");
  close(fd);
  unlink(path);
}

/* Each file is made, written, read and removed. */
static void small(const char* directory, int files) {
  char path[200];
  const double start = seconds();
  for (int i = 0; i < files; ++i) {
    snprintf(path, sizeof path, "%s/small-%d", directory, i);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd < 0 || write(fd, block, kSmall) != kSmall || close(fd) != 0) fail(path);
  }
  struct stat status;
  for (int i = 0; i < files; ++i) {
    snprintf(path, sizeof path, "%s/small-%d", directory, i);
    if (stat(path, &status) != 0 || status.st_size != kSmall) fail(path);
    const int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, block, kSmall) != kSmall || close(fd) != 0) fail(path);
  }
  for (int i = 0; i < files; ++i) {
    snprintf(path, sizeof path, "%s/small-%d", directory, i);
    if (unlink(path) != 0) fail(path);
  }
  report("small", (double)files / (seconds() - start), "files/s");
}

int main(int argc, char** argv) {
  for (int i = 0; i < kBlock; ++i) block[i] = (char)(i * 31);
  if (argc == 3 && strcmp(argv[1], "source") == 0) {
    write_all(1, atol(argv[2]) * kMegabyte);
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "sink") == 0) {
    const double start = seconds();
    const long bytes = read_all(0);
    report("pipe", (double)bytes / kMegabyte / (seconds() - start), "MiB/s");
    return 0;
  }
  if (argc != 4) return 2;
  large(argv[1], atol(argv[2]));
  small(argv[1], atoi(argv[3]));
  return 0;
}
