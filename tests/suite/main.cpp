// SPDX-License-Identifier: MIT
// suite_hosted SCRIPT …: runs assembled scripts in this process. Exit status 0: every assertion passed.
#include <cstdio>
#include <vector>

#include "tests/engine/linux_host.h"
#include "tests/suite/runner.h"

namespace {

std::vector<std::byte> read_file(const char* path) {
  std::vector<std::byte> bytes;
  std::FILE* file = std::fopen(path, "rb");
  if (!file) {
    std::fprintf(stderr, "suite_hosted: %s cannot be opened\n", path);
    std::exit(2);
  }
  std::byte buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file))
    bytes.insert(bytes.end(), buffer, buffer + count);
  std::fclose(file);
  return bytes;
}

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);  // so that what was said before a crash is seen
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nebulet;
  test::catch_faults();
  unsigned failed = 0;
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::byte> bytes = read_file(argv[i]);
    test::LinuxHost host;
    const auto stack = wasm::WasmStack::create(host, nullptr);
    suite::ScriptReader script(bytes);
    while (!script.at_end()) failed += suite::Runner(host, *stack, print).run(script).failed;
  }
  return failed ? 1 : 0;
}
