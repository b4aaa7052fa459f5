// SPDX-License-Identifier: MIT
// Starts three programs, each in a process of its own that can reach its neighbours' streams and nothing
// else, and prints what comes out of the last. They run on all CPUs. Takes the programs from the directory
// /programs.
#include <cstdio>

#include "user/sdk/process.h"

namespace {

using namespace nebulet::sdk;

constexpr std::uint64_t kMemory = 4 << 20;  // of each process, out of ours

void start(const std::string& name, std::vector<nb_handle_t> handles) {
  start_process(name, "/programs/" + name + ".wasm", kMemory, std::move(handles));
}

}  // namespace

int main() {
  const Pipe numbers = make_pipe(), primes = make_pipe(), result = make_pipe();
  start("count", {numbers.writer});
  start("primes", {numbers.reader, primes.writer});
  start("sum", {primes.reader, result.writer});
  const Stream last(result.reader);
  char text[256];
  while (const std::size_t count = last.read(text, sizeof text)) std::fwrite(text, 1, count, stdout);
}
