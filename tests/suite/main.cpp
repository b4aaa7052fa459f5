// SPDX-License-Identifier: MIT
// suite_hosted [--segments] [--collect | --step] [--gc-limit=MIB] SCRIPT …: runs assembled scripts in this
// process.
// --segments compiles every function in segments; --collect collects garbage at each allocation, --step does
// a step of a collection there; --gc-limit limits the heap of objects and prints what the collector did. Exit
// status 0: every assertion passed.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tests/engine/files.h"
#include "tests/engine/linux_host.h"
#include "tests/suite/runner.h"
#include "wasm/runtime/gc_store.h"

namespace {

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);  // so that what was said before a crash is seen
}

/// How long the program waits for its allocations beyond taking the next cell: processor time, in ms.
struct Pauses {
  double began = 0, longest = 0, all = 0;
  static double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
  }
  static void begin(void* self) { static_cast<Pauses*>(self)->began = now(); }
  static void end(void* self) {
    Pauses& p = *static_cast<Pauses*>(self);
    const double pause = now() - p.began;
    p.longest = std::max(p.longest, pause);
    p.all += pause;
  }
  void report(const nebulet::wasm::GcHeap& heap) const {
    const nebulet::wasm::GcStatistics& statistics = heap.statistics();
    std::printf(
        "gc: %.2f GB allocated, %llu cycles, %llu forced, %.1f MiB committed, longest pause %.2f ms, %.0f ms "
        "in all\n",
        static_cast<double>(statistics.allocated) / 1e9, static_cast<unsigned long long>(statistics.cycles),
        static_cast<unsigned long long>(statistics.forced), static_cast<double>(heap.committed()) / 1048576,
        longest, all);
  }
};

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
    if (word.starts_with("--gc-limit=")) {
      settings.heap_bytes = std::strtoull(argv[i] + word.find('=') + 1, nullptr, 10) << 20;
      continue;
    }
    const std::vector<std::byte> bytes = test::read_file(argv[i]);
    test::LinuxHost host;
    const auto stack = wasm::WasmStack::create(host, nullptr);
    suite::ScriptReader script(bytes);
    while (!script.at_end()) {
      Pauses pauses;
      wasm::GcHeap::Observer observer = {Pauses::begin, Pauses::end, &pauses};
      settings.observer = settings.heap_bytes ? &observer : nullptr;
      suite::Runner runner(host, *stack, print, settings);
      failed += runner.run(script).failed;
      if (settings.heap_bytes && runner.store().gc()) pauses.report(runner.store().gc()->heap());
    }
  }
  return failed ? 1 : 0;
}
