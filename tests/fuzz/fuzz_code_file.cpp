// SPDX-License-Identifier: MIT
// libFuzzer target: damaged code files. The input is a list of changes (place, kind, value) to the file of a
// module that was compiled before; the digest is made right again for most, so that tables and code are read.
// The loader must return.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "base/assert.h"
#include "tests/fuzz/generate.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"
#include "wasm/object/sha256.h"

namespace {

using namespace nebulet;
using namespace nebulet::wasm;

struct Subject {
  std::vector<std::byte> bytes, file;
  Module module;

  /// The first module from these seeds that compiles and has tables of every kind worth damaging.
  static Subject make() {
    for (std::uint64_t seed = 1;; ++seed) {
      std::mt19937_64 random(seed);
      std::vector<std::uint8_t> noise(2000);
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
      fuzz::Choices in(noise.data(), noise.size());
      const fuzz::Generated made = fuzz::generate_module(in, fuzz::feature::all);
      Subject subject;
      subject.bytes.resize(made.bytes.size());
      std::memcpy(subject.bytes.data(), made.bytes.data(), made.bytes.size());
      auto module = decode_module(subject.bytes);
      if (!module) continue;
      auto code = compile_module(*module);
      if (!code || (*code)->labels.empty() || (*code)->traps.empty() || (*code)->jump_tables.empty() ||
          (*code)->text.size() > 8192)
        continue;
      subject.file = write_code_file(**code, *module);
      subject.module = std::move(*module);
      return subject;
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Subject subject = Subject::make();
  std::vector<std::byte> file = subject.file;
  fuzz::Choices in(data, size);
  const bool sign = !in.one_in(16);
  while (!in.done() && !file.empty()) {
    const std::size_t at = in.number(2) % file.size();
    switch (in.below(5)) {
      case 0: file[at] = static_cast<std::byte>(in.byte()); break;
      case 1: file[at] ^= static_cast<std::byte>(1 << in.below(8)); break;
      case 2: file.resize(at); break;
      case 3:
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), in.below(64),
                    static_cast<std::byte>(in.byte()));
        break;
      default:
        file.erase(file.begin() + static_cast<std::ptrdiff_t>(at),
                   file.begin() + static_cast<std::ptrdiff_t>(std::min(file.size(), at + in.below(64))));
        break;
    }
  }
  if (sign && file.size() >= sizeof(Sha256)) {
    const std::size_t body = file.size() - sizeof(Sha256);
    const Sha256 digest = sha256({file.data(), body});
    std::memcpy(file.data() + body, digest.data(), sizeof digest);
  }
  const auto code = read_code_file(file, subject.module);
  NB_ASSERT(!code || (*code)->functions.size() == subject.module.defined_functions());
  return 0;
}
