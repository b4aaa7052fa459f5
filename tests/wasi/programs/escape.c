// SPDX-License-Identifier: MIT
// Paths and links that lead out of the preopened directory: all are refused, and nothing outside changes. The
// directory's owner made the links "outside" to an absolute path, "up" to "../.." and "into-other" to
// "../other"; behind each of them lies a file "secret". All that a broken implementation could reach by them
// is the test's own, so that it can be run without fear.
#include "tap.h"

static void climbing(void) {
  filestat_t stat;
  const uint32_t dir = open_with(root, "dir", DIRECTORY, RIGHT_PATH_OPEN | RIGHT_PATH_FILESTAT_GET, 0);
  expect(open_error(root, 0, "..", 0, 0, 0), PERM, "path_open of ..");
  expect(open_error(root, 0, "../", 0, 0, 0), PERM, "path_open of ../");
  expect(open_error(root, 0, "../x", CREAT, 0, 0), PERM, "path_open of ../x");
  expect(open_error(root, 0, "dir/../../x", 0, 0, 0), PERM, "path_open of dir/../../x");
  expect(open_error(root, 0, "/nebulet-no-such", 0, 0, 0), PERM, "path_open of an absolute path");
  expect(open_error(root, 0, "/", 0, 0, 0), PERM, "path_open of /");
  expect(open_error(dir, 0, "../file", 0, 0, 0), PERM, "path_open of .. below an opened directory");
  expect(open_error(dir, 0, "nested/../../file", 0, 0, 0), PERM, "path_open of nested/../.. below it");
  expect(path_filestat_get(root, 0, PATH("../x"), ADDRESS(&stat)), PERM, "path_filestat_get of ../x");
  expect(path_filestat_set_times(root, 0, PATH("../x"), 0, 0, 0), PERM, "path_filestat_set_times of ../x");
  expect(mkdir_at("../x"), PERM, "path_create_directory of ../x");
  expect(rmdir_at("../x"), PERM, "path_remove_directory of ../x");
  expect(unlink_at("../x"), PERM, "path_unlink_file of ../x");
  expect(rename_at("../x", "y"), PERM, "path_rename from ../x");
  expect(rename_at("file", "../x"), PERM, "path_rename to ../x");
  expect(path_link(root, 0, PATH("../x"), root, PATH("y")), PERM, "path_link from ../x");
  expect(path_link(root, 0, PATH("file"), root, PATH("../x")), PERM, "path_link to ../x");
  expect(path_symlink(PATH("file"), root, PATH("../x")), PERM, "path_symlink at ../x");
  expect(mkdir_at("/nebulet-no-such"), PERM, "path_create_directory of an absolute path");
  expect(unlink_at("/nebulet-no-such"), PERM, "path_unlink_file of an absolute path");
  fd_close(dir);
}

static void escaping(void) {
  char text[16];
  uint32_t size = 0;
  filestat_t stat;
  static const char* const ways[] = {"outside", "up", "into-other"};
  for (int i = 0; i < 3; i++) {
    char path[32], what[64];
    snprintf(what, sizeof what, "path_open of the link %s", ways[i]);
    expect(open_at(FOLLOW, ways[i], 0), PERM, what);
    snprintf(what, sizeof what, "path_filestat_get of the link %s", ways[i]);
    expect(path_filestat_get(root, FOLLOW, PATH(ways[i]), ADDRESS(&stat)), PERM, what);
    snprintf(path, sizeof path, "%s/secret", ways[i]);
    snprintf(what, sizeof what, "path_open of %s", path);
    expect(open_at(0, path, 0), PERM, what);
    snprintf(what, sizeof what, "path_open with creat of %s", path);
    expect(open_at(0, path, CREAT), PERM, what);
    snprintf(what, sizeof what, "path_unlink_file of %s", path);
    expect(path_unlink_file(root, PATH(path)), PERM, what);
    snprintf(what, sizeof what, "path_create_directory of %s", path);
    expect(path_create_directory(root, PATH(path)), PERM, what);
    snprintf(what, sizeof what, "path_rename to %s", path);
    expect(path_rename(root, PATH("file"), root, PATH(path)), PERM, what);
    snprintf(what, sizeof what, "path_link to %s", path);
    expect(link_at("file", path), PERM, what);
  }
  check(path_readlink(root, PATH("outside"), ADDRESS(text), 16, ADDRESS(&size)) == SUCCESS && size == 16,
        "path_readlink of a link that leads out");
  check(stat_of("outside").type == TYPE_SYMLINK, "path_filestat_get of the link itself tells what it is");
  symlink_at("dir/../../other", "climbs");
  expect(open_at(FOLLOW, "climbs", 0), PERM, "a link that climbs out in the middle");
  symlink_at("..", "dir/parent");
  check(file_is("dir/parent/file", "content"), "a link to .. below the directory");
  uint32_t dir = no_fd;
  path_open(root, 0, PATH("dir"), DIRECTORY, RIGHT_PATH_OPEN, RIGHT_FD_READ, 0, ADDRESS(&dir));
  expect(open_error(dir, FOLLOW, "parent/file", 0, RIGHT_FD_READ, 0), PERM,
         "the same link does not lead out of the directory where it lies");
  expect(open_error(dir, FOLLOW, "back", 0, RIGHT_FD_READ, 0), PERM, "nor does one with two dots and a name");
  fd_close(dir);
}

int main(void) {
  make_file("file", "content");
  path_create_directory(root, PATH("dir"));
  path_create_directory(root, PATH("dir/nested"));
  symlink_at("../link", "dir/back");
  symlink_at("file", "link");
  climbing();
  escaping();
  return done();
}
