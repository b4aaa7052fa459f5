// SPDX-License-Identifier: MIT
// What SQLite asks of an operating system when it is built without one (SQLITE_OS_OTHER): no files, a fixed
// time, numbers that are the same on every run.
#include <sqlite3.h>

static int no_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = 0;
  return SQLITE_CANTOPEN;
}
static int no_delete(sqlite3_vfs* vfs, const char* name, int sync) {
  (void)vfs, (void)name, (void)sync;
  return SQLITE_IOERR_DELETE;
}
static int no_access(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  (void)vfs, (void)name, (void)flags;
  *out = 0;
  return SQLITE_OK;
}
static int full_name(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  (void)vfs;
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}
static int numbers(sqlite3_vfs* vfs, int size, char* out) {
  (void)vfs;
  for (int i = 0; i < size; i++) out[i] = (char)(i * 37 + 11);
  return size;
}
static int no_sleep(sqlite3_vfs* vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}
static int fixed_time(sqlite3_vfs* vfs, double* day) {
  (void)vfs;
  *day = 2460000.5;
  return SQLITE_OK;
}
static int no_error(sqlite3_vfs* vfs, int size, char* out) {
  (void)vfs, (void)size, (void)out;
  return 0;
}

static sqlite3_vfs nothing = {.iVersion = 1,
                              .szOsFile = sizeof(sqlite3_file),
                              .mxPathname = 64,
                              .zName = "nothing",
                              .xOpen = no_file,
                              .xDelete = no_delete,
                              .xAccess = no_access,
                              .xFullPathname = full_name,
                              .xRandomness = numbers,
                              .xSleep = no_sleep,
                              .xCurrentTime = fixed_time,
                              .xGetLastError = no_error};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&nothing, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }
