// SPDX-License-Identifier: MIT
// The hosted kernel with a file server that now and then answers nonsense: `wasi_nonsense SEED DIRECTORY
// PROGRAM.wasm WASI.wasm`, DIRECTORY being the program's /. Whatever the server says, the program must get
// errors or wrong data, and the kernel and the WASI library must go on.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>

#include "machine/hosted/hosted.h"
#include "tools/ninep/server.h"

namespace {

using nebulet::ninep::Server;

struct Liar {
  Server server;
  std::mt19937 random;
  std::size_t answered = 0;

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  }
  std::byte any() { return static_cast<std::byte>(below(256)); }

  std::size_t answer(std::span<const std::byte> request, std::span<std::byte> reply) {
    std::size_t size = server.handle(request, reply);
    // The first messages agree on the version and attach; without them nothing would be tested.
    constexpr std::size_t kHonest = 3;
    if (answered++ < kHonest || below(6) != 0) return size;
    switch (below(7)) {
      case 0: return below(size);  // cut
      case 1:                      // longer than it says
        return std::min(reply.size(), size + 1 + below(100));
      case 2: reply[4] = any(); break;         // another type
      case 3: reply[below(4)] = any(); break;  // another size
      case 4:                                  // a few other bytes
        for (int i = 0; i < 4; i++) reply[below(size)] = any();
        break;
      case 5:  // the largest numbers
        std::ranges::fill(reply.first(size).subspan(std::min<std::size_t>(size, 7)), std::byte{0xff});
        break;
      default:  // noise
        size = 1 + below(300);
        for (auto& byte : reply.first(size)) byte = any();
        break;
    }
    return size;
  }
};

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    fputs("usage: wasi_nonsense SEED DIRECTORY PROGRAM.wasm WASI.wasm\n", stderr);
    return 125;
  }
  const std::string wasi = words[4];
  Liar liar{.server = Server({{words[2], "/"}}),
            .random = std::mt19937(static_cast<unsigned>(atoi(words[1])))};
  nebulet::machine::HostedOptions options;
  options.command_line = "arg=program preopen=/";
  options.modules = {{"program", words[3]}, {"wasi", wasi}, {"wasi.code", wasi + ".code"}};
  options.file_server_state = &liar;
  options.file_server = [](void* state, std::span<const std::byte> request, std::span<std::byte> reply) {
    return static_cast<Liar*>(state)->answer(request, reply);
  };
  const int status = nebulet::machine::run_hosted(options);
  fflush(nullptr);
  _exit(status);
}
