// SPDX-License-Identifier: MIT
// Runs the SQL of standard input on a SQLite database in memory and prints rows and errors. SQLite is built
// without an operating system (SQLITE_OS_OTHER), and what it asks of one is here: no files, a fixed time,
// numbers that are the same on every run.
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static int no_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
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

static void print_row(sqlite3_stmt* statement) {
  for (int i = 0; i < sqlite3_column_count(statement); i++) {
    const char* value = (const char*)sqlite3_column_text(statement, i);
    printf("%s%s", i == 0 ? "" : "|", value == NULL ? "" : value);
  }
  printf("\n");
}

int main(void) {
  static char text[1 << 20];
  text[fread(text, 1, sizeof text - 1, stdin)] = 0;
  sqlite3* database;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) return puts(sqlite3_errmsg(database)), 1;
  const char* rest = text;
  while (rest[strspn(rest, " \t\n")] != 0) {
    sqlite3_stmt* statement = NULL;
    const char* next = NULL;
    if (sqlite3_prepare_v2(database, rest, -1, &statement, &next) != SQLITE_OK) {
      printf("error: %s\n", sqlite3_errmsg(database));
      // What cannot be parsed ends at the line's end.
      rest += strcspn(rest, "\n");
      continue;
    }
    int result = SQLITE_DONE;
    while (statement != NULL && (result = sqlite3_step(statement)) == SQLITE_ROW) print_row(statement);
    if (result != SQLITE_DONE) printf("error: %s\n", sqlite3_errmsg(database));
    sqlite3_finalize(statement);
    rest = next;
  }
  return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}
