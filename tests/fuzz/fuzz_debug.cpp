// SPDX-License-Identifier: MIT
// Line tables in custom sections: the input is a module. No crash, no hang.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wasm/debug/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nebulet::wasm::debug;
  const std::array<std::uint32_t, 4> offsets = {0, 20, 40, 1000};
  std::array<SourceLine, 4> lines;
  find_source_lines(std::as_bytes(std::span(data, size)), offsets, lines);
  return 0;
}
