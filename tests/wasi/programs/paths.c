// SPDX-License-Identifier: MIT
// The path_* functions without links: opening, creating, removing, renaming, attributes, paths that climb out
// or are no paths.
#include "tap.h"

static int32_t open_for(const char* path, uint32_t oflags, uint64_t rights) {
  return open_error(root, FOLLOW, path, oflags, rights, 0);
}

static void opening(void) {
  filestat_t stat;
  make_file("file", "abc");
  mkdir_at("dir");
  mkdir_at("dir/nested");
  make_file("dir/nested/file", "deep");
  expect(open_for("missing", 0, RIGHT_FD_READ), NOENT, "path_open of a missing file");
  expect(open_for("missing/file", 0, RIGHT_FD_READ), NOENT, "path_open in a missing directory");
  expect(open_for("missing/file", CREAT, RIGHT_FD_READ), NOENT,
         "path_open with creat in a missing directory");
  expect(open_for("file/x", 0, RIGHT_FD_READ), NOTDIR, "path_open below a file");
  expect(open_for("file", CREAT | EXCL, RIGHT_FD_READ), EXIST, "path_open with excl of an existing file");
  expect(open_for("dir", CREAT | EXCL, RIGHT_FD_READ), EXIST, "path_open with excl of an existing directory");
  expect(open_for("file", DIRECTORY, 0), NOTDIR, "path_open with directory of a file");
  expect(open_for("dir", DIRECTORY, RIGHT_FD_READDIR), SUCCESS, "path_open with directory of a directory");
  expect(open_for("dir", 0, RIGHT_FD_WRITE), ISDIR, "path_open of a directory for writing");
  expect(open_for("dir", TRUNC, 0), ISDIR, "path_open with trunc of a directory");
  expect(open_for("dir", CREAT, 0), ISDIR, "path_open with creat of a directory");
  expect(open_for("new", CREAT | DIRECTORY, 0), INVAL, "path_open with creat and directory");
  expect(open_for("file", 16, 0), INVAL, "path_open with an unknown oflag");
  expect(open_error(root, 2, "file", 0, 0, 0), INVAL, "path_open with an unknown lookup flag");
  expect(open_error(root, 0, "file", 0, 0, 32), INVAL, "path_open with an unknown fdflag");
  expect(open_error(root, 0, ".", 0, 0, NONBLOCK), SUCCESS, "path_open of a directory with nonblock");
  expect(open_for("file/", 0, RIGHT_FD_READ), NOTDIR, "path_open of a file with a slash");
  expect(open_for("file///", 0, RIGHT_FD_READ), NOTDIR, "path_open of a file with slashes");
  expect(open_for("dir/nested///", 0, 0), SUCCESS, "path_open of a directory with slashes");
  expect(open_for("new/", CREAT, RIGHT_FD_WRITE), ISDIR, "path_open with creat and a slash");
  expect(open_for("dir/.//nested/../../dir/nested/../nested///./file", 0, 0), SUCCESS,
         "path_open through dots and slashes");
  check(file_is("dir/nested/../../file", "abc"), "and reads the right file");
  expect(open_for("file/.", 0, 0), NOTDIR, "a file has no dot");
  expect(open_for("file/..", 0, 0), NOTDIR, "nor two");
  check(open_for("file", TRUNC, RIGHT_FD_READ) == SUCCESS && stat_of("file").size == 0,
        "path_open with trunc");
  const uint32_t a = open_file("file"), b = open_file("file");
  uint32_t size = 0;
  char text[4];
  check(write_text(a, "xyz", &size) == SUCCESS && read_bytes(b, text, 3, &size) == SUCCESS && size == 3,
        "two descriptors of a file have positions of their own");
  expect(open_error(a, 0, "x", 0, 0, 0), NOTDIR, "path_open below a descriptor of a file");
  expect(path_filestat_get(a, 0, PATH("x"), ADDRESS(&stat)), NOTDIR, "path_filestat_get below it");
  expect(open_error(nowhere, 0, "x", 0, 0, 0), BADF, "path_open below no descriptor");
  fd_close(a);
  fd_close(b);
}

static void no_paths(void) {
  static char longer[5000];
  filestat_t stat;
  uint32_t fd;
  memset(longer, 'x', sizeof longer);
  expect(path_open(root, 0, ADDRESS(longer), 256, CREAT, 0, 0, 0, ADDRESS(&fd)), NAMETOOLONG,
         "a name of 256 bytes");
  expect(path_create_directory(root, ADDRESS(longer), 255), SUCCESS, "a name of 255 bytes");
  path_remove_directory(root, ADDRESS(longer), 255);
  for (int i = 0; i < 5000; i += 2) memcpy(longer + i, "./", 2);
  expect(path_filestat_get(root, 0, ADDRESS(longer), 4096, ADDRESS(&stat)), SUCCESS, "a path of 4096 bytes");
  expect(path_filestat_get(root, 0, ADDRESS(longer), 4098, ADDRESS(&stat)), NAMETOOLONG,
         "a path of 4098 bytes");
  expect(open_for("", 0, 0), NOENT, "path_open of no path");
  expect(mkdir_at(""), NOENT, "path_create_directory of no path");
  expect(rename_at("file", ""), NOENT, "path_rename to no path");
  expect(path_open(root, 0, ADDRESS("file\0"), 5, 0, 0, 0, 0, ADDRESS(&fd)), ILSEQ, "a path with a NUL");
  expect(path_create_directory(root, ADDRESS("a\0b"), 3), ILSEQ, "a directory's path with a NUL");
  static const char* const bad[] = {
      "\xff", "a\x80", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"};
  static const char* const why[] = {"no UTF-8 byte",  "a byte of the middle", "an overlong slash",
                                    "a cut sequence", "a surrogate",          "beyond Unicode",
                                    "five bytes"};
  for (int i = 0; i < 7; i++) {
    char text[64];
    snprintf(text, sizeof text, "a path that is not UTF-8: %s", why[i]);
    expect(open_for(bad[i], CREAT, 0), ILSEQ, text);
  }
  expect(mkdir_at("\u00e9\u20ac\U0001f600"), SUCCESS, "a path of all lengths of UTF-8");
  expect(rmdir_at("\u00e9\u20ac\U0001f600"), SUCCESS, "which is found again");
}

static void directories(void) {
  expect(mkdir_at("d"), SUCCESS, "path_create_directory");
  expect(mkdir_at("d"), EXIST, "path_create_directory again");
  expect(mkdir_at("file"), EXIST, "path_create_directory where a file is");
  expect(mkdir_at("."), EXIST, "path_create_directory of a dot");
  expect(mkdir_at("missing/d"), NOENT, "path_create_directory in a missing directory");
  expect(mkdir_at("file/d"), NOTDIR, "path_create_directory below a file");
  expect(mkdir_at("d/e/"), SUCCESS, "path_create_directory with a slash");
  expect(rmdir_at("d"), NOTEMPTY, "path_remove_directory of one that is not empty");
  expect(rmdir_at("d/e/"), SUCCESS, "path_remove_directory with a slash");
  expect(rmdir_at("file"), NOTDIR, "path_remove_directory of a file");
  expect(rmdir_at("file/"), NOTDIR, "path_remove_directory of a file with a slash");
  expect(rmdir_at("missing"), NOENT, "path_remove_directory of nothing");
  expect(rmdir_at("d/."), INVAL, "path_remove_directory of a dot");
  expect(unlink_at("d"), ISDIR, "path_unlink_file of a directory");
  expect(unlink_at("d/"), ISDIR, "path_unlink_file of a directory with a slash");
  expect(unlink_at("file/"), NOTDIR, "path_unlink_file of a file with a slash");
  expect(unlink_at("missing"), NOENT, "path_unlink_file of nothing");
  make_file("gone", "");
  expect(unlink_at("gone"), SUCCESS, "path_unlink_file");
  expect(unlink_at("gone"), NOENT, "path_unlink_file again");
  expect(rmdir_at("d"), SUCCESS, "path_remove_directory");
}

static void renaming(void) {
  make_file("a", "a");
  make_file("b", "b");
  mkdir_at("d");
  mkdir_at("e");
  expect(rename_at("a", "b"), SUCCESS, "path_rename over a file");
  check(file_is("b", "a") && open_for("a", 0, 0) == NOENT, "replaces it");
  expect(rename_at("a", "c"), NOENT, "path_rename of nothing");
  expect(rename_at("b", "d"), ISDIR, "path_rename of a file over a directory");
  expect(rename_at("d", "b"), NOTDIR, "path_rename of a directory over a file");
  expect(rename_at("d", "e"), SUCCESS, "path_rename over an empty directory");
  make_file("e/x", "x");
  mkdir_at("d");
  expect(rename_at("d", "e"), NOTEMPTY, "path_rename over a directory that is not empty");
  expect(rename_at("e", "e/below"), INVAL, "path_rename of a directory into itself");
  expect(rename_at("b", "e/b"), SUCCESS, "path_rename into another directory");
  expect(rename_at("e/b", "b/"), NOTDIR, "path_rename of a file with a slash behind the new name");
  expect(rename_at("e/b/", "b"), NOTDIR, "path_rename of a file with a slash behind the old name");
  expect(rename_at("d/", "g"), SUCCESS, "path_rename of a directory with a slash behind the old name");
  expect(rename_at("g", "d/"), SUCCESS, "path_rename of a directory with a slash behind the new name");
  expect(rename_at(".", "x"), BUSY, "path_rename of a dot");
}

static void attributes(void) {
  filestat_t stat, again;
  const uint32_t fd = open_file("file");
  check(path_filestat_get(root, 0, PATH("file"), ADDRESS(&stat)) == SUCCESS && stat.type == TYPE_FILE &&
            stat.size == 3,
        "path_filestat_get of a file");
  check(fd_filestat_get(fd, ADDRESS(&again)) == SUCCESS && again.inode == stat.inode &&
            again.device == stat.device,
        "fd_filestat_get tells the same file");
  check(stat_of("dir/nested/file").inode != stat.inode, "another file has another number");
  check(stat_of("dir").type == TYPE_DIRECTORY, "path_filestat_get of a directory");
  expect(path_filestat_get(root, 0, PATH("missing"), ADDRESS(&stat)), NOENT, "path_filestat_get of nothing");
  expect(path_filestat_get(root, 2, PATH("file"), ADDRESS(&stat)), INVAL,
         "path_filestat_get with an unknown flag");
  check(path_filestat_set_times(root, 0, PATH("file"), 11, 12, SET_ATIM | SET_MTIM) == SUCCESS &&
            stat_of("file").atim == 11 && stat_of("file").mtim == 12,
        "path_filestat_set_times");
  check(
      path_filestat_set_times(root, 0, PATH("dir"), 0, 13, SET_MTIM) == SUCCESS && stat_of("dir").mtim == 13,
      "path_filestat_set_times of a directory");
  expect(path_filestat_set_times(root, 0, PATH("file"), 1, 1, SET_MTIM | SET_MTIM_NOW), INVAL,
         "path_filestat_set_times with a time both given and now");
  expect(path_filestat_set_times(root, 0, PATH("file"), 1, 1, 64), INVAL,
         "path_filestat_set_times with an unknown flag");
  expect(path_filestat_set_times(root, 0, PATH("missing"), 1, 1, SET_MTIM), NOENT,
         "path_filestat_set_times of nothing");
  fd_close(fd);
}

int main(void) {
  opening();
  no_paths();
  directories();
  renaming();
  attributes();
  return done();
}
