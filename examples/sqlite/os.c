// SPDX-License-Identifier: MIT
// SQLite's operating system: the file system of test_demovfs.c in SQLite's sources, which asks for nothing
// that WASI lacks (locks).
#include <sqlite3.h>

sqlite3_vfs* sqlite3_demovfs(void);

int sqlite3_os_init(void) { return sqlite3_vfs_register(sqlite3_demovfs(), 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }
