// SPDX-License-Identifier: MIT
// fuzz_random SEED COUNT: the target it is linked with on random bytes, without libFuzzer: what a build
// without its instrumentation can run, and what CI runs. Prints each 10,000 inputs where it is; an input that
// ends the program is found again by its seed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
std::uint64_t g_seed;
void tell() {
  std::fprintf(stderr, "the last input was of seed %llu\n", static_cast<unsigned long long>(g_seed));
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  LLVMFuzzerInitialize(&argc, &argv);
  const std::uint64_t first = std::strtoull(argv[1], nullptr, 10),
                      count = std::strtoull(argv[2], nullptr, 10);
  for (g_seed = first; g_seed < first + count; ++g_seed) {
    std::mt19937_64 random(g_seed);
    std::vector<std::uint8_t> noise(100 + random() % 2500);
    for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
    if (const char* trace = std::getenv("NB_FUZZ_TRACE"); trace && *trace) tell();
    LLVMFuzzerTestOneInput(noise.data(), noise.size());
    if ((g_seed - first + 1) % 10'000 == 0) tell();
  }
  return 0;
}
