// SPDX-License-Identifier: MIT
// The kernel with the runner in place of the program: suite.elf runs the scripts of its boot modules, each in
// a process of its own, and prints to the console.
#include <string>

#include "kernel/init/init.h"
#include "kernel/process/thread.h"
#include "machine/include/machine/console.h"
#include "tests/suite/runner.h"

namespace nebulet::kernel {
namespace {

void print(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  machine::console_write(machine::ConsoleStream::out, std::as_bytes(std::span(text)));
}

/// Runs the next script in a new process. False: the kernel could not.
bool run_script(suite::ScriptReader& script, const CommandLine& line, suite::Counts& counts) {
  auto process = Process::create({.memory_limit = line.memory}, nullptr, nullptr);
  if (!process) return false;
  auto thread = Thread::start(*process, [&script, &counts](Thread& self) {
    counts = suite::Runner(self.process().memory(), self.stack(), print).run(script);
  });
  if (!thread) return false;
  (*process)->wait();
  return true;
}

}  // namespace

int run_init(const machine::BootInfo& boot, const CommandLine& line, std::uint64_t) {
  unsigned failed = 0;
  for (const machine::BootModule& module : boot.modules) {
    suite::ScriptReader scripts(module.bytes);
    while (!scripts.at_end()) {
      suite::Counts counts;
      if (!run_script(scripts, line, counts)) {
        print("a process for the script cannot be made");
        return kExitError;
      }
      failed += counts.failed;
    }
  }
  print("done");
  return failed ? 1 : 0;
}

}  // namespace nebulet::kernel
