// SPDX-License-Identifier: MIT
// Prints what the front end makes of a module: wasm_dump FILE.wasm [FUNCTION_INDEX]
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "wasm/compile.h"
#include "wasm/frontend/build.h"
#include "wasm/ir/cfg.h"
#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"

using namespace nebulet;
using namespace nebulet::wasm;

namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "0x%x: %s\n", error.offset, error.message.c_str());
  return 1;
}

std::vector<std::byte> read_file(const char* path) {
  std::vector<std::byte> bytes;
  if (std::FILE* file = std::fopen(path, "rb")) {
    std::byte buffer[65536];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file))
      bytes.insert(bytes.end(), buffer, buffer + n);
    std::fclose(file);
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FILE.wasm [FUNCTION_INDEX]\n", argv[0]);
    return 2;
  }
  const std::vector<std::byte> bytes = read_file(argv[1]);
  auto module = decode_module(bytes);
  if (!module) return fail(module.error());
  Arena arena;
  for (std::uint32_t i = 0; i < module->defined_functions(); ++i) {
    const std::uint32_t index = module->imported_functions + i;
    if (argc > 2 && std::strtoul(argv[2], nullptr, 0) != index) continue;
    arena.reset();
    ir::Function function(arena);
    if (auto built = build_function(*module, i, function); !built) return fail(built.error());
    ir::compute_cfg(function);
    std::printf("%s\n", ir::print(function).c_str());
    if (const std::string broken = ir::verify(function); !broken.empty()) {
      std::fprintf(stderr, "function %u: %s\n", index, broken.c_str());
      return 1;
    }
  }
  return 0;
}
