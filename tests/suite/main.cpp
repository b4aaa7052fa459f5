// SPDX-License-Identifier: MIT
// suite_hosted [--segments] [--collect | --step] SCRIPT …: runs assembled scripts in this process. --segments
// compiles every function in segments; --collect collects garbage at each allocation, --step does a step of a
// collection there. Exit status 0: every assertion passed.
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
  suite::Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--segments") {
      settings.effort = wasm::Effort::segments;
      continue;
    }
    if (word == "--collect" || word == "--step") {
      settings.stress = word == "--collect" ? wasm::GcHeap::Stress::collect : wasm::GcHeap::Stress::step;
      continue;
    }
    const std::vector<std::byte> bytes = test::read_file(argv[i]);
    test::LinuxHost host;
    const auto stack = wasm::WasmStack::create(host, nullptr);
    suite::ScriptReader script(bytes);
    while (!script.at_end()) failed += suite::Runner(host, *stack, print, settings).run(script).failed;
  }
  return failed ? 1 : 0;
}
