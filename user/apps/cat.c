// SPDX-License-Identifier: MIT
// Copies files, or standard input, to standard output, byte for byte.
#include <stdio.h>
#include <string.h>

static char buffer[65536];

static int copy(FILE* from) {
  size_t count;
  while ((count = fread(buffer, 1, sizeof buffer, from)) != 0) {
    if (fwrite(buffer, 1, count, stdout) != count) return 1;
  }
  return ferror(from);
}

int main(int argc, char** argv) {
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc < 2) return copy(stdin);
  int status = 0;
  for (int i = 1; i < argc; i++) {
    FILE* file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "rb");
    if (file == NULL) {
      perror(argv[i]);
      status = 1;
      continue;
    }
    status |= copy(file);
    if (file != stdin) fclose(file);
  }
  return status;
}
