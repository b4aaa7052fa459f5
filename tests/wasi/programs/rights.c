// SPDX-License-Identifier: MIT
// Rights: that each function needs its own, that they only shrink, and what is inherited.
#include "tap.h"

static uint32_t with_rights(const char* path, uint32_t oflags, uint64_t rights) {
  return open_with(root, path, oflags, rights, 0);
}

static void files(void) {
  uint32_t size = 0;
  uint64_t at;
  char byte;
  filestat_t stat;
  make_file("f", "x");
  const iovec_t iovec = {ADDRESS(&byte), 1};
  uint32_t fd = with_rights("f", 0, FILE_RIGHTS & ~RIGHT_FD_READ);
  expect(read_bytes(fd, &byte, 1, &size), BADF, "fd_read without the right is badf as in POSIX");
  expect(fd_pread(fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)), BADF, "fd_pread without the right");
  fd_close(fd);
  fd = with_rights("f", 0, FILE_RIGHTS & ~RIGHT_FD_WRITE);
  expect(write_text(fd, "y", &size), BADF, "fd_write without the right");
  expect(fd_pwrite(fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)), BADF, "fd_pwrite without the right");
  fd_close(fd);
  fd = with_rights("f", 0, RIGHT_FD_READ | RIGHT_FD_TELL);
  expect(fd_seek(fd, 1, WHENCE_SET, ADDRESS(&at)), NOTCAPABLE, "fd_seek without the right");
  check(fd_seek(fd, 0, WHENCE_CUR, ADDRESS(&at)) == SUCCESS && at == 0,
        "to tell the position fd_tell's is enough");
  expect(fd_tell(fd, ADDRESS(&at)), SUCCESS, "fd_tell with the right");
  fd_close(fd);
  fd = with_rights("f", 0, RIGHT_FD_READ);
  expect(fd_tell(fd, ADDRESS(&at)), NOTCAPABLE, "fd_tell without the right");
  expect(fd_advise(fd, 0, 0, 0), NOTCAPABLE, "fd_advise without the right");
  expect(fd_allocate(fd, 0, 1), NOTCAPABLE, "fd_allocate without the right");
  expect(fd_sync(fd), NOTCAPABLE, "fd_sync without the right");
  expect(fd_datasync(fd), NOTCAPABLE, "fd_datasync without the right");
  expect(fd_fdstat_set_flags(fd, APPEND), NOTCAPABLE, "fd_fdstat_set_flags without the right");
  expect(fd_filestat_get(fd, ADDRESS(&stat)), NOTCAPABLE, "fd_filestat_get without the right");
  expect(fd_filestat_set_size(fd, 0), NOTCAPABLE, "fd_filestat_set_size without the right");
  expect(fd_filestat_set_times(fd, 0, 0, 0), NOTCAPABLE, "fd_filestat_set_times without the right");
  fd_close(fd);
}

static void shrinking(void) {
  fdstat_t stat;
  uint32_t size = 0;
  const uint32_t fd = open_file("f");
  check(fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.base == FILE_RIGHTS && stat.type == TYPE_FILE,
        "fd_fdstat_get tells the rights");
  expect(fd_fdstat_set_rights(fd, RIGHT_FD_READ | RIGHT_FD_SEEK, 0), SUCCESS,
         "fd_fdstat_set_rights drops rights");
  check(fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.base == (RIGHT_FD_READ | RIGHT_FD_SEEK),
        "and they are gone");
  expect(write_text(fd, "y", &size), BADF, "fd_write after the right was dropped");
  expect(fd_fdstat_set_rights(fd, FILE_RIGHTS, 0), NOTCAPABLE, "no right comes back");
  expect(fd_fdstat_set_rights(fd, RIGHT_FD_READ, RIGHT_FD_READ), NOTCAPABLE, "nor an inheriting one");
  expect(fd_fdstat_set_rights(nowhere, 0, 0), BADF, "fd_fdstat_set_rights of no descriptor");
  fd_close(fd);
}

static const struct {
  uint64_t right;
  const char* text;
} kDirectoryRights[] = {
    {RIGHT_PATH_CREATE_DIRECTORY, "path_create_directory without the right"},
    {RIGHT_PATH_CREATE_FILE, "path_open with creat without the right"},
    {RIGHT_PATH_LINK_SOURCE, "path_link without the source's right"},
    {RIGHT_PATH_LINK_TARGET, "path_link without the target's right"},
    {RIGHT_PATH_OPEN, "path_open without the right"},
    {RIGHT_FD_READDIR, "fd_readdir without the right"},
    {RIGHT_PATH_READLINK, "path_readlink without the right"},
    {RIGHT_PATH_RENAME_SOURCE, "path_rename without the source's right"},
    {RIGHT_PATH_RENAME_TARGET, "path_rename without the target's right"},
    {RIGHT_PATH_FILESTAT_GET, "path_filestat_get without the right"},
    {RIGHT_PATH_SET_SIZE, "path_open with trunc without the right"},
    {RIGHT_PATH_SET_TIMES, "path_filestat_set_times without the right"},
    {RIGHT_PATH_SYMLINK, "path_symlink without the right"},
    {RIGHT_PATH_REMOVE_DIRECTORY, "path_remove_directory without the right"},
    {RIGHT_PATH_UNLINK_FILE, "path_unlink_file without the right"},
};

static int32_t try_right(uint32_t d, uint64_t right) {
  char buffer[64];
  uint32_t size;
  filestat_t stat;
  switch (right) {
    case RIGHT_PATH_CREATE_DIRECTORY: return path_create_directory(d, PATH("new"));
    case RIGHT_PATH_CREATE_FILE: return open_error(d, 0, "new", CREAT, 0, 0);
    case RIGHT_PATH_LINK_SOURCE: return path_link(d, 0, PATH("f"), root, PATH("new"));
    case RIGHT_PATH_LINK_TARGET: return path_link(root, 0, PATH("f"), d, PATH("new"));
    case RIGHT_PATH_OPEN: return open_error(d, 0, "f", 0, 0, 0);
    case RIGHT_FD_READDIR: return fd_readdir(d, ADDRESS(buffer), sizeof buffer, 0, ADDRESS(&size));
    case RIGHT_PATH_READLINK: return path_readlink(d, PATH("l"), ADDRESS(buffer), 8, ADDRESS(&size));
    case RIGHT_PATH_RENAME_SOURCE: return path_rename(d, PATH("f"), root, PATH("new"));
    case RIGHT_PATH_RENAME_TARGET: return path_rename(root, PATH("f"), d, PATH("new"));
    case RIGHT_PATH_FILESTAT_GET: return path_filestat_get(d, 0, PATH("f"), ADDRESS(&stat));
    case RIGHT_PATH_SET_SIZE: return open_error(d, 0, "f", TRUNC, 0, 0);
    case RIGHT_PATH_SET_TIMES: return path_filestat_set_times(d, 0, PATH("f"), 0, 0, SET_MTIM);
    case RIGHT_PATH_SYMLINK: return path_symlink(PATH("f"), d, PATH("new"));
    case RIGHT_PATH_REMOVE_DIRECTORY: return path_remove_directory(d, PATH("d"));
    case RIGHT_PATH_UNLINK_FILE: return path_unlink_file(d, PATH("f"));
    default: return SUCCESS;
  }
}

static void directories(void) {
  path_symlink(PATH("f"), root, PATH("l"));
  path_create_directory(root, PATH("d"));
  fdstat_t stat;
  fd_fdstat_get(root, ADDRESS(&stat));
  for (size_t i = 0; i < sizeof kDirectoryRights / sizeof kDirectoryRights[0]; i++) {
    uint32_t fd = no_fd;
    path_open(root, 0, PATH("."), DIRECTORY, stat.base & ~kDirectoryRights[i].right, stat.inheriting, 0,
              ADDRESS(&fd));
    expect(try_right(fd, kDirectoryRights[i].right), NOTCAPABLE, kDirectoryRights[i].text);
    fd_close(fd);
  }
  check(stat_of("f").size == 1 && stat_of("d").type == TYPE_DIRECTORY && stat_of("l").type == TYPE_SYMLINK,
        "none of it did anything");
}

static void inheritance(void) {
  fdstat_t stat;
  uint32_t fd = no_fd, child = no_fd;
  const uint64_t base = RIGHT_PATH_OPEN | RIGHT_FD_READDIR, inheriting = RIGHT_FD_READ | RIGHT_FD_SEEK;
  check(path_open(root, 0, PATH("."), DIRECTORY, base, inheriting, 0, ADDRESS(&fd)) == SUCCESS,
        "a directory is opened with fewer rights");
  check(fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.base == base && stat.inheriting == inheriting,
        "it has the rights that were asked for");
  expect(path_open(fd, 0, PATH("f"), 0, RIGHT_FD_READ, 0, 0, ADDRESS(&child)), SUCCESS,
         "a file below it may have what it hands down");
  check(fd_fdstat_get(child, ADDRESS(&stat)) == SUCCESS && stat.base == RIGHT_FD_READ, "and has just that");
  fd_close(child);
  expect(open_error(fd, 0, "f", 0, RIGHT_FD_READ | RIGHT_FD_WRITE, 0), NOTCAPABLE,
         "more than is handed down is refused");
  uint32_t other = no_fd;
  expect(path_open(fd, 0, PATH("f"), 0, RIGHT_FD_READ, RIGHT_FD_WRITE, 0, ADDRESS(&other)), NOTCAPABLE,
         "also to hand on");
  expect(open_error(fd, 0, "f", 0, RIGHT_FD_READ, SYNC), NOTCAPABLE,
         "sync needs fd_sync's right handed down");
  expect(open_error(fd, 0, "f", 0, RIGHT_FD_READ, DSYNC), NOTCAPABLE,
         "dsync needs fd_datasync's right handed down");
  expect(open_error(fd, 0, "f", 0, RIGHT_FD_READ, RSYNC), NOTCAPABLE,
         "rsync needs fd_sync's right handed down");
  fd_close(fd);
  fd_fdstat_get(root, ADDRESS(&stat));
  path_open(root, 0, PATH("."), DIRECTORY, RIGHT_PATH_OPEN | RIGHT_FD_SEEK | RIGHT_FD_READ, stat.inheriting,
            0, ADDRESS(&fd));
  check(fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && (stat.base & RIGHT_FD_SEEK) == 0,
        "a directory does not get a file's rights");
  uint64_t at;
  expect(fd_seek(fd, 0, WHENCE_SET, ADDRESS(&at)), NOTCAPABLE, "fd_seek of a directory");
  fd_close(fd);
}

int main(void) {
  files();
  shrinking();
  directories();
  inheritance();
  return done();
}
