// SPDX-License-Identifier: MIT
// Uses the files of the directory that its argument names in every way that WASI offers and checks the
// outcome. Prints TAP, one line per check.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count;
static int failed;

static void check(int condition, const char* what) {
  count++;
  failed += !condition;
  printf("%s %d - %s", condition ? "ok" : "not ok", count, what);
  if (!condition) printf(" (errno %d: %s)", errno, strerror(errno));
  printf("\n");
}

static char* in(const char* directory, const char* name) {
  static char paths[4][512];
  static int next;
  char* path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static int entries(const char* path) {
  DIR* directory = opendir(path);
  if (directory == NULL) return -1;
  int found = 0;
  const struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) found += entry->d_name[0] != '.';
  closedir(directory);
  return found;
}

static void check_data(const char* dir) {
  char buffer[64] = {0};
  int fd = open(in(dir, "data"), O_RDWR | O_CREAT | O_EXCL, 0644);
  check(fd >= 0, "create a file");
  check(open(in(dir, "data"), O_RDWR | O_CREAT | O_EXCL, 0644) < 0 && errno == EEXIST,
        "create it again: EEXIST");
  check(write(fd, "hello world", 11) == 11, "write");
  check(lseek(fd, 6, SEEK_SET) == 6, "seek");
  check(read(fd, buffer, sizeof buffer) == 5 && memcmp(buffer, "world", 5) == 0, "read to the end");
  check(pread(fd, buffer, 5, 0) == 5 && memcmp(buffer, "hello", 5) == 0, "pread");
  check(pwrite(fd, "J", 1, 0) == 1, "pwrite");
  check(lseek(fd, 0, SEEK_CUR) == 11, "pread and pwrite do not move the position");
  check(lseek(fd, -5, SEEK_END) == 6, "seek from the end");
  check(lseek(fd, -100, SEEK_SET) < 0 && errno == EINVAL, "seek before the start: EINVAL");
  struct stat status;
  check(fstat(fd, &status) == 0 && status.st_size == 11 && S_ISREG(status.st_mode), "fstat");
  check(ftruncate(fd, 5) == 0 && fstat(fd, &status) == 0 && status.st_size == 5, "truncate");
  check(fsync(fd) == 0 && fdatasync(fd) == 0, "sync");
  const struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 7}};
  check(futimens(fd, times) == 0 && fstat(fd, &status) == 0 && status.st_mtim.tv_sec == 2000 &&
            status.st_mtim.tv_nsec == 7,
        "set times");
  check(close(fd) == 0, "close");
  check(read(fd, buffer, 1) < 0 && errno == EBADF, "read after close: EBADF");
  fd = open(in(dir, "data"), O_WRONLY | O_APPEND);
  check(write(fd, "!!", 2) == 2 && fstat(fd, &status) == 0 && status.st_size == 7, "append");
  check(read(fd, buffer, 1) < 0 && errno == EBADF, "read without the right: EBADF");
  close(fd);
  fd = open(in(dir, "data"), O_RDONLY);
  check(write(fd, "x", 1) < 0 && errno == EBADF, "write without the right: EBADF");
  check(read(fd, buffer, sizeof buffer) == 7 && memcmp(buffer, "Jello!!", 7) == 0, "read what was written");
  close(fd);
}

static void check_large(const char* dir) {
  const size_t size = 3 << 20;
  char* bytes = malloc(size);
  for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 7 + (i >> 11));
  int fd = open(in(dir, "large"), O_RDWR | O_CREAT | O_TRUNC, 0644);
  check(write(fd, bytes, size) == (ssize_t)size, "write 3 MiB at once");
  char* back = malloc(size);
  check(pread(fd, back, size, 0) == (ssize_t)size && memcmp(bytes, back, size) == 0, "read 3 MiB at once");
  close(fd);
  check(unlink(in(dir, "large")) == 0, "unlink");
  free(bytes);
  free(back);
}

static void check_directories(const char* dir) {
  check(mkdir(in(dir, "sub"), 0755) == 0, "mkdir");
  check(mkdir(in(dir, "sub"), 0755) < 0 && errno == EEXIST, "mkdir again: EEXIST");
  char name[32];
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "sub/file-%d", i);
    close(open(in(dir, name), O_WRONLY | O_CREAT, 0644));
  }
  check(entries(in(dir, "sub")) == 500, "readdir finds 500 files");
  check(rmdir(in(dir, "sub")) < 0 && errno == ENOTEMPTY, "rmdir of a full directory: ENOTEMPTY");
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "sub/file-%d", i);
    unlink(in(dir, name));
  }
  check(entries(in(dir, "sub")) == 0, "readdir finds none");
  check(unlink(in(dir, "sub")) < 0 && errno == EISDIR, "unlink of a directory: EISDIR");
  check(rename(in(dir, "data"), in(dir, "sub/moved")) == 0, "rename into another directory");
  struct stat status;
  check(stat(in(dir, "data"), &status) < 0 && errno == ENOENT, "the old name is gone: ENOENT");
  check(stat(in(dir, "sub/moved/x"), &status) < 0 && errno == ENOTDIR, "a file is no directory: ENOTDIR");
  check(stat(in(dir, "sub/./../sub//moved"), &status) == 0, "dots and slashes in paths");
}

static void check_links(const char* dir) {
  char buffer[64];
  struct stat status;
  check(symlink("sub/moved", in(dir, "soft")) == 0, "symlink");
  check(readlink(in(dir, "soft"), buffer, sizeof buffer) == 9 && memcmp(buffer, "sub/moved", 9) == 0,
        "readlink");
  check(lstat(in(dir, "soft"), &status) == 0 && S_ISLNK(status.st_mode), "lstat sees the link");
  check(stat(in(dir, "soft"), &status) == 0 && S_ISREG(status.st_mode), "stat sees the file");
  check(link(in(dir, "sub/moved"), in(dir, "hard")) == 0 && stat(in(dir, "hard"), &status) == 0 &&
            status.st_nlink == 2,
        "link");
  check(symlink("loop", in(dir, "loop")) == 0 && open(in(dir, "loop"), O_RDONLY) < 0 && errno == ELOOP,
        "a link to itself: ELOOP");
  check(symlink("sub", in(dir, "way")) == 0 && stat(in(dir, "way/moved"), &status) == 0,
        "a link in the middle of a path");
  check(symlink("sub/new", in(dir, "dangling")) == 0, "a dangling symlink");
  int fd = open(in(dir, "dangling"), O_WRONLY | O_CREAT, 0644);
  check(fd >= 0 && stat(in(dir, "sub/new"), &status) == 0, "creation through a dangling link");
  close(fd);
}

static void check_escapes(const char* dir) {
  struct stat status;
  check(stat(in(dir, "../../../../etc/passwd"), &status) < 0, "\"..\" does not lead out");
  check(symlink("/etc/passwd", in(dir, "absolute")) < 0 && errno == EPERM, "no absolute link: EPERM");
  check(symlink("../../../../../../etc/passwd", in(dir, "up")) == 0 && stat(in(dir, "up"), &status) < 0 &&
            errno == EPERM,
        "a link does not lead out: EPERM");
  check(open("/etc/passwd", O_RDONLY) < 0, "what was not given is not there");
}

int main(int argc, char** argv) {
  if (argc < 2) return fprintf(stderr, "usage: files DIRECTORY\n"), 2;
  const char* dir = argv[1];
  check_data(dir);
  check_large(dir);
  check_directories(dir);
  check_links(dir);
  check_escapes(dir);
  const char* left[] = {"soft", "hard", "loop", "way", "dangling", "up", "sub/moved", "sub/new"};
  for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) unlink(in(dir, left[i]));
  check(rmdir(in(dir, "sub")) == 0, "rmdir");
  printf("1..%d\n", count);
  return failed != 0;
}
