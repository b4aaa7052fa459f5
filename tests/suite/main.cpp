// SPDX-License-Identifier: MIT
// suite_hosted [--segments] SCRIPT …: runs assembled scripts in this process. With --segments every function is compiled
// as if it were too large for the optimizer. Exit status 0: every assertion passed.
#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/engine/files.h"
#include "tests/engine/linux_host.h"
#include "tests/suite/runner.h"

namespace {

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);  // so that what was said before a crash is seen
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nebulet;
  test::catch_faults();
  unsigned failed = 0;
  auto effort = wasm::Effort::automatic;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--segments") {
      effort = wasm::Effort::segments;
      continue;
    }
    const std::vector<std::byte> bytes = test::read_file(argv[i]);
    test::LinuxHost host;
    const auto stack = wasm::WasmStack::create(host, nullptr);
    suite::ScriptReader script(bytes);
    while (!script.at_end()) {
      suite::Runner runner(host, *stack, print);
      runner.effort = effort;
      failed += runner.run(script).failed;
    }
  }
  return failed ? 1 : 0;
}
