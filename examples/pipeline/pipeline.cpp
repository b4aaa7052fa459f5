// SPDX-License-Identifier: MIT
// Starts three programs, each in a process of its own that can reach its neighbours' streams and nothing
// else, and prints what comes out of the last. They run on all CPUs. Takes the programs from the directory
// /programs.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "user/sdk/driver.h"

namespace {

using nebulet::sdk::Result;

constexpr std::uint64_t kMemory = 4 << 20;  // of each process, out of ours

nb_handle_t checked(const std::string& what, Result result) {
  if (result >= 0) return static_cast<nb_handle_t>(result);
  std::fprintf(stderr, "pipeline: %s: error %d\n", what.c_str(), static_cast<int>(result));
  std::exit(1);
}

std::vector<char> read_file(const std::string& path) {
  std::vector<char> bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(1);
  }
  char piece[4096];
  while (const std::size_t count = std::fread(piece, 1, sizeof piece, file))
    bytes.insert(bytes.end(), piece, piece + count);
  std::fclose(file);
  return bytes;
}

/// The handles are the process's 1, 2 and so on, and are not ours any more.
void start(const std::string& name, std::vector<nb_handle_t> handles) {
  const std::vector<char> bytes = read_file("/programs/" + name + ".wasm");
  char message[200] = {};
  const nb_handle_t module =
      checked(name + " is no module", nb_module_create(bytes.data(), bytes.size(), message, sizeof message));
  const nb_handle_t process = checked("a process", nb_process_create(name.data(), name.size(), kMemory));
  checked(name + " cannot be linked",
          nb_process_add(process, module, name.data(), name.size(), message, sizeof message));
  checked(name, nb_process_start(process, "run", 3, handles.data(), handles.size(), nullptr, 0));
}

struct Pipe {
  nb_handle_t reader, writer;
};
Pipe make_pipe() {
  nb_handle_t ends[2];
  checked("a stream", nb_stream_create(4096, ends, 2));
  return {ends[0], ends[1]};
}

}  // namespace

int main() {
  const Pipe numbers = make_pipe(), primes = make_pipe(), result = make_pipe();
  start("count", {numbers.writer});
  start("primes", {numbers.reader, primes.writer});
  start("sum", {primes.reader, result.writer});
  const nebulet::sdk::Stream last(result.reader);
  char text[256];
  while (const std::size_t count = last.read(text, sizeof text)) std::fwrite(text, 1, count, stdout);
}
