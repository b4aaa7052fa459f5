// SPDX-License-Identifier: MIT
// bench/io's program twice, with a stream between: `pipe MEGABYTES`, the program's module in /io.
#include "user/sdk/process.h"

using nebulet::sdk::Startup;

int main(int, char** argv) {
  constexpr std::uint64_t kMemory = 16 << 20;
  constexpr std::uint32_t kPipeSize = 65536;  // as Linux's
  nb_handle_t ends[2] = {};
  nebulet::sdk::checked("a stream", nb_stream_create(kPipeSize, ends, 2));
  Startup source, sink;
  for (const char* argument : {"io", "source", static_cast<const char*>(argv[1])}) source.argument(argument);
  for (const char* argument : {"io", "sink"}) sink.argument(argument);
  source.standard(1, ends[1]);
  sink.standard(0, ends[0]);
  std::uint32_t words[2] = {};
  nb_process_startup(words, sizeof words);
  sink.standard(1,
                static_cast<nb_handle_t>(nb_handle_duplicate(words[1], NB_RIGHT_WRITE | NB_RIGHT_TRANSFER)));
  const auto one = nebulet::sdk::load_module("/io/io.wasm");
  const auto both = NB_RIGHT_READ | NB_RIGHT_DUPLICATE | NB_RIGHT_TRANSFER;
  const auto two = static_cast<nb_handle_t>(nb_handle_duplicate(one, both));
  nebulet::sdk::start_wasi("source", one, kMemory, source);
  const nb_handle_t last = nebulet::sdk::start_wasi("sink", two, kMemory, sink);
  nb_object_wait(last, NB_SIGNAL_TERMINATED, nebulet::sdk::kForever);
}
