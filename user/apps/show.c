// SPDX-License-Identifier: MIT
// Copies the files that its arguments name to standard output; says on it which could not be opened and why.
// The argument
// - waits for the end of standard input.
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-") == 0) {
      while (getchar() != EOF) {
      }
      continue;
    }
    FILE* file = fopen(argv[i], "rb");
    if (file == NULL) {
      printf("%s: %s\n", argv[i], strerror(errno));
      continue;
    }
    char buffer[4096];
    size_t size;
    while ((size = fread(buffer, 1, sizeof buffer, file)) != 0) fwrite(buffer, 1, size, stdout);
    fclose(file);
  }
  return 0;
}
