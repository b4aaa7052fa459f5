// SPDX-License-Identifier: MIT
// The fd_* functions on regular files: positions, sizes, times, flags, vectors.
#include "tap.h"

static void positions(void) {
  uint32_t size = 0;
  uint64_t at = 77;
  char text[16] = "";
  const uint32_t fd = create_file("positions");
  check(fd > 4 && fd < 0x80000000, "path_open creates a file");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 0, "fd_tell starts at 0");
  check(write_text(fd, "hello world", &size) == SUCCESS && size == 11, "fd_write");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 11, "fd_write moves the position");
  check(fd_seek(fd, 6, WHENCE_SET, ADDRESS(&at)) == SUCCESS && at == 6, "fd_seek from the start");
  check(read_bytes(fd, text, sizeof text, &size) == SUCCESS && size == 5 && !memcmp(text, "world", 5),
        "fd_read to the end");
  check(read_bytes(fd, text, sizeof text, &size) == SUCCESS && size == 0, "fd_read at the end gives 0");
  check(fd_seek(fd, -4, WHENCE_CUR, ADDRESS(&at)) == SUCCESS && at == 7, "fd_seek from the position");
  check(fd_seek(fd, -1, WHENCE_END, ADDRESS(&at)) == SUCCESS && at == 10, "fd_seek from the end");
  expect(fd_seek(fd, -12, WHENCE_END, ADDRESS(&at)), INVAL, "fd_seek before the start");
  expect(fd_seek(fd, 0, 3, ADDRESS(&at)), INVAL, "fd_seek with an unknown whence");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 10, "a failed fd_seek leaves the position");
  check(fd_seek(fd, 100, WHENCE_SET, ADDRESS(&at)) == SUCCESS && at == 100, "fd_seek behind the end");
  check(read_bytes(fd, text, 4, &size) == SUCCESS && size == 0, "fd_read behind the end gives 0");
  check(write_text(fd, "x", &size) == SUCCESS && stat_of("positions").size == 101, "fd_write behind the end");
  memset(text, 'y', sizeof text);
  const iovec_t iovec = {ADDRESS(text), 4};
  check(fd_pread(fd, ADDRESS(&iovec), 1, 50, ADDRESS(&size)) == SUCCESS && size == 4 && text[0] == 0 &&
            text[3] == 0 && text[4] == 'y',
        "the hole reads as zeros");
  check(fd_pread(fd, ADDRESS(&iovec), 1, 1000, ADDRESS(&size)) == SUCCESS && size == 0,
        "fd_pread behind the end");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 101, "fd_pread leaves the position");
  const iovec_t written = {ADDRESS("J"), 1};
  check(fd_pwrite(fd, ADDRESS(&written), 1, 0, ADDRESS(&size)) == SUCCESS && size == 1, "fd_pwrite");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 101, "fd_pwrite leaves the position");
  check(fd_pread(fd, ADDRESS(&iovec), 1, 0, ADDRESS(&size)) == SUCCESS && !memcmp(text, "Jell", 4),
        "fd_pread reads what fd_pwrite wrote");
  expect(fd_pread(fd, ADDRESS(&iovec), 1, 1ull << 63, ADDRESS(&size)), INVAL,
         "fd_pread at a negative position");
  expect(fd_pwrite(fd, ADDRESS(&written), 1, ~0ull, ADDRESS(&size)), INVAL,
         "fd_pwrite at a negative position");
  expect(fd_seek(fd, INT64_MAX, WHENCE_CUR, ADDRESS(&at)), INVAL, "fd_seek beyond all numbers");
  expect(fd_close(fd), SUCCESS, "fd_close");
  expect(fd_close(fd), BADF, "fd_close again");
  expect(read_bytes(fd, text, 1, &size), BADF, "fd_read after fd_close");
}

static void vectors(void) {
  static char bytes[5000], back[5000];
  static iovec_t iovecs[1500];
  uint32_t size = 0;
  const uint32_t fd = create_file("vectors");
  for (int i = 0; i < 5000; i++) bytes[i] = (char)(i * 7 + i / 256);
  for (int i = 0; i < 1500; i++) iovecs[i] = (iovec_t){ADDRESS(bytes + 3 * i), i % 5 ? 3 : 0};
  check(fd_write(fd, ADDRESS(iovecs), 1500, ADDRESS(&size)) == SUCCESS && size == 3600,
        "fd_write of 1500 vectors, some empty");
  uint64_t at;
  fd_seek(fd, 0, WHENCE_SET, ADDRESS(&at));
  for (int i = 0; i < 1500; i++) iovecs[i].buffer = ADDRESS(back + 3 * i);
  check(fd_read(fd, ADDRESS(iovecs), 1500, ADDRESS(&size)) == SUCCESS && size == 3600,
        "fd_read into 1500 vectors");
  int same = 1;
  for (int i = 0; i < 1500; i++) same &= i % 5 == 0 || !memcmp(bytes + 3 * i, back + 3 * i, 3);
  check(same, "each has its own bytes");
  check(fd_pread(fd, ADDRESS(iovecs), 2, 0, ADDRESS(&size)) == SUCCESS && size == 3,
        "fd_pread into two vectors");
  check(fd_write(fd, 0, 0, ADDRESS(&size)) == SUCCESS && size == 0, "fd_write of no vectors");
  check(fd_read(fd, 0, 0, ADDRESS(&size)) == SUCCESS && size == 0, "fd_read into no vectors");
  const iovec_t one = {ADDRESS(bytes), 0};
  check(fd_write(fd, ADDRESS(&one), 1, ADDRESS(&size)) == SUCCESS && size == 0, "fd_write of no bytes");
  // Both end behind the file's end, so what is read comes from several messages and ends early.
  static char large[200000];
  memset(large, 'z', sizeof large);
  const iovec_t whole = {ADDRESS(large), sizeof large};
  check(fd_pwrite(fd, ADDRESS(&whole), 1, 0, ADDRESS(&size)) == SUCCESS && size == sizeof large,
        "fd_pwrite of 200,000 bytes");
  check(fd_pread(fd, ADDRESS(&whole), 1, 100, ADDRESS(&size)) == SUCCESS && size == sizeof large - 100 &&
            large[sizeof large - 101] == 'z',
        "fd_pread to the end of 200,000 bytes");
  fd_close(fd);
}

static void sizes(void) {
  filestat_t stat;
  const uint32_t fd = create_file("sizes");
  expect(fd_filestat_set_size(fd, 100), SUCCESS, "fd_filestat_set_size makes a file larger");
  check(fd_filestat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.size == 100 && stat.type == TYPE_FILE &&
            stat.links == 1 && stat.inode != 0,
        "fd_filestat_get");
  expect(fd_filestat_set_size(fd, 10), SUCCESS, "fd_filestat_set_size makes it smaller");
  check(stat_of("sizes").size == 10, "path_filestat_get sees the size");
  expect(fd_filestat_set_size(fd, ~0ull), INVAL, "fd_filestat_set_size to a negative size");
  expect(fd_allocate(fd, 0, 50), SUCCESS, "fd_allocate");
  check(stat_of("sizes").size == 50, "fd_allocate makes a file larger");
  expect(fd_allocate(fd, 10, 10), SUCCESS, "fd_allocate within the file");
  check(stat_of("sizes").size == 50, "fd_allocate makes no file smaller");
  expect(fd_allocate(fd, 0, 0), INVAL, "fd_allocate of nothing");
  expect(fd_allocate(fd, 1ull << 62, 1ull << 62), FBIG, "fd_allocate beyond all sizes");
  for (uint32_t advice = 0; advice <= 5; advice++) {
    char text[32];
    snprintf(text, sizeof text, "fd_advise %u", advice);
    expect(fd_advise(fd, 0, 10, advice), SUCCESS, text);
  }
  expect(fd_advise(fd, 0, 10, 6), INVAL, "fd_advise with unknown advice");
  expect(fd_sync(fd), SUCCESS, "fd_sync");
  expect(fd_datasync(fd), SUCCESS, "fd_datasync");
  fd_close(fd);
}

static void times(void) {
  filestat_t stat;
  const uint32_t fd = create_file("times");
  const uint64_t before = clock_now(REALTIME);
  expect(fd_filestat_set_times(fd, 1000000005, 2000000007, SET_ATIM | SET_MTIM), SUCCESS,
         "fd_filestat_set_times");
  check(fd_filestat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.atim == 1000000005 && stat.mtim == 2000000007,
        "both times are set to the nanosecond");
  check(stat.ctim + 5000000000 > before, "the change of the attributes is noted");
  check(fd_filestat_set_times(fd, 3, 4, SET_MTIM) == SUCCESS && stat_of("times").atim == 1000000005 &&
            stat_of("times").mtim == 4,
        "mtim alone");
  check(fd_filestat_set_times(fd, 3, 5, SET_ATIM) == SUCCESS && stat_of("times").atim == 3 &&
            stat_of("times").mtim == 4,
        "atim alone");
  check(fd_filestat_set_times(fd, 9, 9, 0) == SUCCESS && stat_of("times").atim == 3, "none of them");
  check(fd_filestat_set_times(fd, 9, 9, SET_ATIM_NOW | SET_MTIM_NOW) == SUCCESS, "both to now");
  stat = stat_of("times");
  check(
      stat.atim + 5000000000 > before && stat.mtim + 5000000000 > before && stat.mtim < before + 60000000000,
      "now is now");
  expect(fd_filestat_set_times(fd, 1, 1, SET_ATIM | SET_ATIM_NOW), INVAL, "atim both given and now");
  expect(fd_filestat_set_times(fd, 1, 1, SET_MTIM | SET_MTIM_NOW), INVAL, "mtim both given and now");
  expect(fd_filestat_set_times(fd, 1, 1, 16), INVAL, "fd_filestat_set_times with an unknown flag");
  fd_close(fd);
}

static void appending(void) {
  uint32_t size = 0;
  uint64_t at = 0;
  fdstat_t stat;
  make_file("append", "abc");
  const uint32_t fd = open_with(root, "append", 0, FILE_RIGHTS, APPEND);
  check(fd_fdstat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.flags == APPEND, "append is among the flags");
  check(write_text(fd, "de", &size) == SUCCESS && file_is("append", "abcde"), "fd_write appends");
  check(fd_tell(fd, ADDRESS(&at)) == SUCCESS && at == 5, "the position is behind it");
  fd_seek(fd, 0, WHENCE_SET, ADDRESS(&at));
  check(write_text(fd, "f", &size) == SUCCESS && file_is("append", "abcdef"),
        "fd_write after fd_seek appends");
  const uint32_t other = open_with(root, "append", 0, FILE_RIGHTS, APPEND);
  write_text(other, "g", &size);
  check(write_text(fd, "h", &size) == SUCCESS && file_is("append", "abcdefgh"),
        "two descriptors append to each other");
  expect(fd_fdstat_set_flags(fd, 0), SUCCESS, "fd_fdstat_set_flags");
  fd_seek(fd, 0, WHENCE_SET, ADDRESS(&at));
  check(write_text(fd, "A", &size) == SUCCESS && file_is("append", "Abcdefgh"),
        "without append it overwrites");
  check(fd_fdstat_set_flags(fd, APPEND) == SUCCESS && write_text(fd, "i", &size) == SUCCESS &&
            file_is("append", "Abcdefghi"),
        "append can be set again");
  expect(fd_fdstat_set_flags(fd, 32), INVAL, "fd_fdstat_set_flags with an unknown flag");
  fd_close(fd);
  fd_close(other);
  const uint32_t synced = open_with(root, "append", 0, FILE_RIGHTS, SYNC | DSYNC | RSYNC);
  check(synced != no_fd && write_text(synced, "B", &size) == SUCCESS && size == 1,
        "a file opened to be synchronized is written");
  check(fd_fdstat_get(synced, ADDRESS(&stat)) == SUCCESS && (stat.flags & SYNC) != 0, "and has the flag");
  fd_close(synced);
}

static void renumbering(void) {
  uint32_t size = 0;
  make_file("one", "1");
  make_file("two", "2");
  char text[4];
  const uint32_t one = open_file("one"), two = open_file("two");
  expect(fd_renumber(one, two), SUCCESS, "fd_renumber");
  expect(fd_close(one), BADF, "the old number is free");
  check(read_bytes(two, text, 1, &size) == SUCCESS && text[0] == '1', "the new one names the file");
  expect(fd_renumber(two, two), SUCCESS, "fd_renumber to itself");
  check(read_bytes(two, text, 1, &size) == SUCCESS && size == 0, "changes nothing");
  expect(fd_renumber(two, nowhere), BADF, "fd_renumber to no descriptor");
  expect(fd_renumber(nowhere, two), BADF, "fd_renumber from no descriptor");
  check(fd_tell(two, ADDRESS(&(uint64_t){0})) == SUCCESS, "and what failed closed nothing");
  fd_close(two);
}

static void unlinked(void) {
  uint32_t size = 0;
  uint64_t at;
  filestat_t stat;
  char text[4];
  make_file("unlinked", "abc");
  const uint32_t fd = open_file("unlinked");
  path_unlink_file(root, PATH("unlinked"));
  check(read_bytes(fd, text, 3, &size) == SUCCESS && !memcmp(text, "abc", 3), "an unlinked file can be read");
  check(
      write_text(fd, "d", &size) == SUCCESS && fd_seek(fd, 0, WHENCE_END, ADDRESS(&at)) == SUCCESS && at == 4,
      "and written");
  check(fd_filestat_get(fd, ADDRESS(&stat)) == SUCCESS && stat.links == 0 && stat.size == 4,
        "and has no link any more");
  fd_close(fd);
}

int main(void) {
  positions();
  vectors();
  sizes();
  times();
  appending();
  renumbering();
  unlinked();
  return done();
}
