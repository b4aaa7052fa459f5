// SPDX-License-Identifier: MIT
// The first program: the numbers from 2 to the one in the file /settings/limit.
#include <cstdio>

int main() {
  unsigned limit = 0;
  std::FILE* const settings = std::fopen("/settings/limit", "r");
  if (settings == nullptr || std::fscanf(settings, "%u", &limit) != 1) {
    std::fprintf(stderr, "count: no number in /settings/limit\n");
    return 1;
  }
  for (unsigned number = 2; number <= limit; number++) std::printf("%u\n", number);
}
