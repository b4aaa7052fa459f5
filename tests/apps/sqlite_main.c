// SPDX-License-Identifier: MIT
// Runs the SQL of standard input on a SQLite database in memory and prints rows and errors.
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

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
