// SPDX-License-Identifier: MIT
// The name section (spec 7.4.1). It never makes a module invalid.
#include "wasm/binary/module_decoder.h"

namespace nebulet::wasm {
namespace {

void function_names(Module& module, Reader& reader) {
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = reader.u32();
    const std::string_view name = reader.name();
    if (!reader.ok()) return;
    if (index >= module.functions.size()) continue;
    if (index >= module.function_names.size()) module.function_names.resize(index + 1);
    module.function_names[index] = name;
  }
}

}  // namespace

void decode_names(Module& module, std::uint32_t begin, std::uint32_t end) {
  Reader reader(module.bytes, begin, end);
  while (reader.ok() && !reader.at_end()) {
    const std::uint8_t id = reader.byte();
    const std::uint32_t size = reader.u32();
    const std::uint32_t at = reader.skip(size);
    if (!reader.ok()) return;
    Reader subsection(module.bytes, at, at + size);
    if (id == 0) {
      const std::string_view name = subsection.name();
      if (subsection.ok()) module.name = name;
    } else if (id == 1) {
      module.function_names.reserve(module.functions.size());
      function_names(module, subsection);
    }
  }
}

}  // namespace nebulet::wasm
