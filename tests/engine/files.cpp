// SPDX-License-Identifier: MIT
#include "tests/engine/files.h"

#include <cstdio>
#include <cstdlib>

namespace nebulet::test {

std::vector<std::byte> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) {
    std::fprintf(stderr, "%s cannot be opened\n", path.c_str());
    std::exit(2);
  }
  std::vector<std::byte> bytes;
  std::byte buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file))
    bytes.insert(bytes.end(), buffer, buffer + count);
  std::fclose(file);
  return bytes;
}

}  // namespace nebulet::test
