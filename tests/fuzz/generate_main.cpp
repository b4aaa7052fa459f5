// SPDX-License-Identifier: MIT
// fuzz_generate DIRECTORY SEED COUNT [FEATURES]: writes modules of the generator, made from random bytes, for
// other engines.
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "tests/fuzz/generate.h"

int main(int argc, char** argv) {
  using namespace nebulet::fuzz;
  if (argc < 4) return 2;
  const std::uint64_t first = std::strtoull(argv[2], nullptr, 10),
                      count = std::strtoull(argv[3], nullptr, 10);
  const auto features =
      argc > 4 ? static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 0)) : feature::all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint8_t> noise(200 + random() % 3000);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
    Choices in(noise.data(), noise.size());
    const Generated made = generate_module(in, features);
    const std::string path = std::string(argv[1]) + "/" + std::to_string(seed) + ".wasm";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) return 1;
    std::fwrite(made.bytes.data(), 1, made.bytes.size(), file);
    std::fclose(file);
  }
  return 0;
}
