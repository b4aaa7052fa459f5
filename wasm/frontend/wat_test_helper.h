// SPDX-License-Identifier: MIT
// Test code only: assembles the text format with wabt's wat2wasm, and reads files.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace nebulet::wasm {

inline std::vector<std::byte> read_test_file(const std::string& path) {
  std::vector<std::byte> bytes;
  if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
    std::byte buffer[4096];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file))
      bytes.insert(bytes.end(), buffer, buffer + n);
    std::fclose(file);
  }
  return bytes;
}

/// The module's bytes; empty if wat2wasm refuses the text (which it prints). wat2wasm does not validate.
inline std::vector<std::byte> assemble(std::string_view wat) {
  char directory[] = "/tmp/nebulet-wat-XXXXXX";
  if (!::mkdtemp(directory)) return {};
  const std::string base = std::string(directory) + "/module";
  if (std::FILE* file = std::fopen((base + ".wat").c_str(), "wb")) {
    std::fwrite(wat.data(), 1, wat.size(), file);
    std::fclose(file);
  }
  const std::string command =
      "wat2wasm --no-check --enable-all --debug-names " + base + ".wat -o " + base + ".wasm";
  std::vector<std::byte> bytes;
  if (std::system(command.c_str()) == 0) bytes = read_test_file(base + ".wasm");
  std::remove((base + ".wat").c_str());
  std::remove((base + ".wasm").c_str());
  ::rmdir(directory);
  return bytes;
}

}  // namespace nebulet::wasm
