// SPDX-License-Identifier: MIT
// fd_readdir, and the other fd_* functions on directories.
#include "tap.h"

enum { FILES = 700 };

typedef struct {
  dirent_t entry;
  char name[64];
} named_t;

/// Takes the first whole entry off what fd_readdir gave; 0 if there is none.
static uint32_t take(const uint8_t* bytes, uint32_t size, named_t* into) {
  if (size < sizeof(dirent_t)) return 0;
  memcpy(&into->entry, bytes, sizeof(dirent_t));
  const uint32_t length = into->entry.name_length;
  if (length >= sizeof into->name || size < sizeof(dirent_t) + length) return 0;
  memcpy(into->name, bytes + sizeof(dirent_t), length);
  into->name[length] = 0;
  return sizeof(dirent_t) + length;
}

/// Reads all entries by buffers of `length` bytes, as C libraries do; counts what is there once, and what
/// twice.
static void list(uint32_t fd, uint32_t length, const char* what) {
  static uint8_t buffer[65536], seen[FILES];
  memset(seen, 0, sizeof seen);
  int dots = 0, others = 0, calls = 0, types = 0;
  uint64_t cookie = 0;
  while (++calls < 5000) {
    uint32_t size = 0;
    if (fd_readdir(fd, ADDRESS(buffer), length, cookie, ADDRESS(&size)) != SUCCESS || size > length) break;
    uint32_t at = 0, step;
    named_t named;
    while ((step = take(buffer + at, size - at, &named)) != 0) {
      at += step;
      cookie = named.entry.next;
      int number = -1;
      if (named.name[0] == '.') {
        dots++;
      } else if (sscanf(named.name, "file-%d", &number) == 1 && number >= 0 && number < FILES) {
        seen[number]++;
        types += named.entry.type == TYPE_FILE;
      } else {
        others++;
      }
    }
    if (size < length) break;
  }
  int once = 0;
  for (int i = 0; i < FILES; i++) once += seen[i] == 1;
  check(once == FILES && dots == 2 && others == 0 && types == FILES, what);
}

static void listing(void) {
  char name[32];
  path_create_directory(root, PATH("full"));
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "full/file-%d", i);
    fd_close(create_file(name));
  }
  const uint32_t fd = open_with(root, "full", DIRECTORY, RIGHT_FD_READDIR | RIGHT_FD_FILESTAT_GET, 0);
  list(fd, 65536, "fd_readdir gives each entry once, by 64 KiB");
  list(fd, 4096, "by 4 KiB");
  list(fd, 128, "by 128 bytes");
  list(fd, 64, "again from the start, by 64 bytes");
  path_unlink_file(root, PATH("full/file-3"));
  fd_close(create_file("full/file-3"));
  list(fd, 1000, "after an entry was made anew");
  fd_close(fd);
}

static void entries(void) {
  static uint8_t buffer[1024];
  uint32_t size = 0;
  filestat_t stat;
  named_t named[4] = {0};
  path_create_directory(root, PATH("few"));
  path_create_directory(root, PATH("few/dir"));
  path_symlink(PATH("dir"), root, PATH("few/link"));
  const uint32_t fd = open_with(root, "few", DIRECTORY, RIGHT_FD_READDIR | RIGHT_FD_FILESTAT_GET, 0);
  fd_filestat_get(fd, ADDRESS(&stat));
  check(fd_readdir(fd, ADDRESS(buffer), sizeof buffer, 0, ADDRESS(&size)) == SUCCESS && size < sizeof buffer,
        "fd_readdir that does not fill the buffer is at the end");
  int count = 0;
  for (uint32_t at = 0, step; count < 4 && (step = take(buffer + at, size - at, &named[count])) != 0;
       at += step)
    count++;
  check(count == 4, "there are four entries");
  int right = 0;
  for (int i = 0; i < 4; i++) {
    const dirent_t* entry = &named[i].entry;
    if (!strcmp(named[i].name, ".")) right += entry->type == TYPE_DIRECTORY && entry->inode == stat.inode;
    if (!strcmp(named[i].name, "..")) right += entry->type == TYPE_DIRECTORY;
    if (!strcmp(named[i].name, "dir"))
      right += entry->type == TYPE_DIRECTORY && entry->inode == stat_of("few/dir").inode;
    if (!strcmp(named[i].name, "link"))
      right += entry->type == TYPE_SYMLINK && entry->inode == stat_of("few/link").inode;
  }
  check(right == 4, "their names, types and numbers are right");
  check(fd_readdir(fd, ADDRESS(buffer), sizeof buffer, named[1].entry.next, ADDRESS(&size)) == SUCCESS,
        "fd_readdir from a cookie");
  named_t third = {0};
  take(buffer, size, &third);
  check(!strcmp(third.name, named[2].name), "goes on behind the cookie's entry");
  check(fd_readdir(fd, ADDRESS(buffer), sizeof buffer, named[3].entry.next, ADDRESS(&size)) == SUCCESS &&
            size == 0,
        "fd_readdir from the last cookie gives nothing");
  check(fd_readdir(fd, ADDRESS(buffer), 10, 0, ADDRESS(&size)) == SUCCESS && size == 10,
        "a small buffer gets a part of an entry");
  check(fd_readdir(fd, ADDRESS(buffer), 0, 0, ADDRESS(&size)) == SUCCESS && size == 0,
        "no buffer gets nothing");
  fd_close(fd);
}

static void others(void) {
  char byte[64];
  uint32_t size;
  uint64_t at;
  filestat_t stat;
  const iovec_t iovec = {ADDRESS(byte), 1};
  make_file("plain", "x");
  const uint32_t file = open_with(root, "plain", 0, FILE_RIGHTS | RIGHT_FD_READDIR, 0);
  expect(fd_readdir(file, ADDRESS(byte), sizeof byte, 0, ADDRESS(&size)), NOTDIR, "fd_readdir of a file");
  fd_close(file);
  expect(fd_readdir(nowhere, ADDRESS(byte), sizeof byte, 0, ADDRESS(&size)), BADF,
         "fd_readdir of no descriptor");
  const uint32_t fd =
      open_with(root, "few", DIRECTORY,
                RIGHT_FD_FILESTAT_GET | RIGHT_FD_SET_TIMES | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC, 0);
  expect(fd_read(fd, ADDRESS(&iovec), 1, ADDRESS(&size)), BADF, "fd_read of a directory");
  expect(fd_write(fd, ADDRESS(&iovec), 1, ADDRESS(&size)), BADF, "fd_write of a directory");
  expect(fd_pread(fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)), BADF, "fd_pread of a directory");
  expect(fd_pwrite(fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)), BADF, "fd_pwrite of a directory");
  expect(fd_seek(fd, 0, WHENCE_CUR, ADDRESS(&at)), NOTCAPABLE, "fd_seek of a directory");
  expect(fd_tell(fd, ADDRESS(&at)), NOTCAPABLE, "fd_tell of a directory");
  expect(fd_filestat_set_size(fd, 0), NOTCAPABLE, "fd_filestat_set_size of a directory");
  expect(fd_allocate(fd, 0, 1), NOTCAPABLE, "fd_allocate of a directory");
  expect(fd_advise(fd, 0, 0, 0), NOTCAPABLE, "fd_advise of a directory");
  expect(fd_sync(fd), SUCCESS, "fd_sync of a directory");
  expect(fd_datasync(fd), SUCCESS, "fd_datasync of a directory");
  check(fd_filestat_set_times(fd, 0, 5, SET_MTIM) == SUCCESS &&
            fd_filestat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.mtim == 5,
        "fd_filestat_set_times of a directory");
  fd_close(fd);
}

static void removed(void) {
  uint8_t buffer[256];
  uint32_t size;
  path_create_directory(root, PATH("removed"));
  const uint32_t fd =
      open_with(root, "removed", DIRECTORY, RIGHT_FD_READDIR | RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE, 0);
  path_remove_directory(root, PATH("removed"));
  expect(open_error(fd, 0, "x", CREAT, 0, 0), NOENT, "path_open with creat in a removed directory");
  const int32_t error = fd_readdir(fd, ADDRESS(buffer), sizeof buffer, 0, ADDRESS(&size));
  check(error == NOENT || (error == SUCCESS && size < sizeof buffer),
        "fd_readdir of a removed directory ends");
  expect(fd_close(fd), SUCCESS, "fd_close of a removed directory");
}

int main(void) {
  listing();
  entries();
  others();
  removed();
  return done();
}
