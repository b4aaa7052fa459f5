// SPDX-License-Identifier: MIT
// Hard and symbolic links: made, read, followed, dangling and looping.
#include "tap.h"

static void reading(void) {
  char text[16];
  uint32_t size = 0;
  make_file("file", "content");
  path_create_directory(root, PATH("dir"));
  make_file("dir/file", "in dir");
  expect(symlink_at("file", "link"), SUCCESS, "path_symlink");
  memset(text, 'x', sizeof text);
  check(path_readlink(root, PATH("link"), ADDRESS(text), sizeof text, ADDRESS(&size)) == SUCCESS &&
            size == 4 && !memcmp(text, "filex", 5),
        "path_readlink");
  check(path_readlink(root, PATH("link"), ADDRESS(text), 2, ADDRESS(&size)) == SUCCESS && size == 2,
        "path_readlink cuts what does not fit");
  check(path_readlink(root, PATH("link"), ADDRESS(text), 0, ADDRESS(&size)) == SUCCESS && size == 0,
        "path_readlink into no buffer");
  expect(path_readlink(root, PATH("file"), ADDRESS(text), 16, ADDRESS(&size)), INVAL,
         "path_readlink of a file");
  expect(path_readlink(root, PATH("missing"), ADDRESS(text), 16, ADDRESS(&size)), NOENT,
         "path_readlink of nothing");
  expect(symlink_at("file", "link"), EXIST, "path_symlink again");
  expect(symlink_at("", "empty"), NOENT, "path_symlink to no path");
  expect(symlink_at("/etc/passwd", "absolute"), PERM, "path_symlink to an absolute path");
  expect(symlink_at("file", "missing/link"), NOENT, "path_symlink in a missing directory");
  expect(symlink_at("file", "new/"), NOENT, "path_symlink with a slash");
  expect(symlink_at("file", "dir/"), EXIST, "path_symlink over a directory with a slash");
  expect(symlink_at("file", "file/"), NOTDIR, "path_symlink over a file with a slash");
}

static void following(void) {
  filestat_t stat;
  symlink_at("dir", "way");
  symlink_at("../link", "dir/back");
  check(file_is("link", "content"), "path_open follows a link");
  expect(open_at(0, "link", 0), LOOP, "path_open that does not follow");
  expect(open_at(0, "link", DIRECTORY), LOOP, "path_open that does not follow, with directory");
  expect(open_at(FOLLOW, "link", DIRECTORY), NOTDIR, "path_open with directory of a link to a file");
  expect(open_at(FOLLOW, "way", DIRECTORY), SUCCESS, "path_open with directory of a link to a directory");
  expect(open_at(FOLLOW, "link", CREAT | EXCL), EXIST, "path_open with excl of a link");
  check(file_is("way/file", "in dir"), "a link in the middle of a path is followed");
  expect(open_at(0, "way/file", 0), SUCCESS, "also without follow, which is for the last name only");
  check(file_is("way/back", "content"), "a link to .. that stays inside");
  expect(open_at(FOLLOW, "way/../file", 0), SUCCESS, "two dots behind a link");
  check(stat_of("link").type == TYPE_SYMLINK && stat_of("link").size == 4,
        "path_filestat_get of the link itself");
  check(path_filestat_get(root, FOLLOW, PATH("link"), ADDRESS(&stat)) == SUCCESS && stat.type == TYPE_FILE &&
            stat.size == 7,
        "path_filestat_get of what it leads to");
  check(path_filestat_set_times(root, 0, PATH("link"), 0, 21, SET_MTIM) == SUCCESS &&
            stat_of("link").mtim == 21 && stat_of("file").mtim != 21,
        "path_filestat_set_times of the link itself");
  check(path_filestat_set_times(root, FOLLOW, PATH("link"), 0, 22, SET_MTIM) == SUCCESS &&
            stat_of("link").mtim == 21 && stat_of("file").mtim == 22,
        "path_filestat_set_times of what it leads to");
  expect(path_remove_directory(root, PATH("way")), NOTDIR, "path_remove_directory of a link to a directory");
  expect(path_unlink_file(root, PATH("way/")), NOTDIR, "path_unlink_file of a link with a slash");
  check(
      path_rename(root, PATH("way"), root, PATH("moved")) == SUCCESS && stat_of("moved").type == TYPE_SYMLINK,
      "path_rename renames the link");
  check(path_unlink_file(root, PATH("moved")) == SUCCESS && stat_of("dir").type == TYPE_DIRECTORY,
        "path_unlink_file removes the link");
}

static void dangling(void) {
  char text[64];
  symlink_at("nothing", "dangling");
  symlink_at("loop", "loop");
  symlink_at("ping", "pong");
  symlink_at("pong", "ping");
  expect(open_at(FOLLOW, "dangling", 0), NOENT, "path_open of a dangling link");
  expect(open_at(0, "dangling", 0), LOOP, "path_open of a dangling link that does not follow");
  expect(open_at(0, "dangling", CREAT | EXCL), EXIST, "path_open with excl of a dangling link");
  expect(open_at(FOLLOW, "loop", 0), LOOP, "path_open of a link to itself");
  expect(open_at(FOLLOW, "ping", 0), LOOP, "path_open of two links to each other");
  expect(open_at(FOLLOW, "ping/file", 0), LOOP, "path_open below them");
  expect(open_at(FOLLOW, "loop", CREAT), LOOP, "path_open with creat of a link to itself");
  expect(path_create_directory(root, PATH("dangling")), EXIST, "path_create_directory of a dangling link");
  check(open_at(FOLLOW, "dangling", CREAT) == SUCCESS && stat_of("nothing").type == TYPE_FILE,
        "path_open with creat of a dangling link makes the file");
  // 32 links one behind the other are followed, 50 are not.
  for (int i = 0; i < 50; i++) {
    char target[16];
    snprintf(target, sizeof target, i ? "chain%d" : "file", i - 1);
    snprintf(text, sizeof text, "chain%d", i);
    symlink_at(target, text);
  }
  check(file_is("chain31", "content"), "32 links one behind the other");
  expect(open_at(FOLLOW, "chain49", 0), LOOP, "50 links one behind the other");
}

static void hard(void) {
  expect(link_at("file", "hard"), SUCCESS, "path_link");
  check(stat_of("hard").inode == stat_of("file").inode && stat_of("file").links == 2,
        "both names are one file");
  expect(link_at("file", "hard"), EXIST, "path_link again");
  expect(link_at("file", "dir"), EXIST, "path_link over a directory");
  expect(link_at("file", "loop"), EXIST, "path_link over a symbolic link");
  expect(link_at("file", "new/"), NOENT, "path_link with a slash");
  expect(link_at("missing", "new"), NOENT, "path_link of nothing");
  expect(link_at("dir", "new"), PERM, "path_link of a directory");
  expect(link_at("file/", "new"), NOTDIR, "path_link of a file with a slash");
  expect(link_at("file", "missing/new"), NOENT, "path_link in a missing directory");
  check(link_at("loop", "loop2") == SUCCESS && stat_of("loop2").type == TYPE_SYMLINK,
        "path_link of a symbolic link links the link");
  expect(path_link(root, 2, PATH("file"), root, PATH("new")), INVAL, "path_link with an unknown flag");
  check(path_link(root, FOLLOW, PATH("link"), root, PATH("followed")) == SUCCESS &&
            stat_of("followed").inode == stat_of("file").inode,
        "path_link that follows");
  symlink_at("not there", "dangling2");
  expect(path_link(root, FOLLOW, PATH("dangling2"), root, PATH("new")), NOENT,
         "path_link that follows a dangling link");
  expect(path_link(root, 0, PATH("file"), nowhere, PATH("new")), BADF, "path_link into no descriptor");
}

int main(void) {
  reading();
  following();
  dangling();
  hard();
  return done();
}
