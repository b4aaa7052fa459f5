// SPDX-License-Identifier: MIT
// libFuzzer target: any bytes through the whole compiler, optimized and in segments. Asserts that the
// verifier accepts what the compiler makes. fuzz_run compiles modules of the generator, whose shapes it
// knows; this one has seeds that clang made and whatever becomes of them.
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "wasm/compile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nebulet::wasm;
  const auto module = decode_module({reinterpret_cast<const std::byte*>(data), size});
  if (!module) return -1;  // fuzz_decode's; not worth keeping
  for (const Effort effort : {Effort::automatic, Effort::segments}) {
    const auto code = compile_module(*module, nullptr, {}, effort);
    NB_ASSERT(code || code.error().kind != Error::Kind::rejected);
    if (!code) break;
  }
  return 0;
}
