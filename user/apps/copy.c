// SPDX-License-Identifier: MIT
// copy FROM TO: copies a file.
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  FILE* from = fopen(argv[1], "rb");
  if (from == NULL) return perror(argv[1]), 1;
  FILE* to = fopen(argv[2], "wb");
  if (to == NULL) return perror(argv[2]), 1;
  char buffer[10000];
  size_t size;
  while ((size = fread(buffer, 1, sizeof buffer, from)) != 0) {
    if (fwrite(buffer, 1, size, to) != size) return perror(argv[2]), 1;
  }
  fclose(from);
  return fclose(to) == 0 ? 0 : (perror(argv[2]), 1);
}
