// SPDX-License-Identifier: MIT
// Types of blocks (spec 5.4.1): nothing, one result, or a function type.
#pragma once

#include <cstdint>
#include <span>

#include "wasm/binary/module.h"
#include "wasm/binary/type_reader.h"

namespace nebulet::wasm {

/// Four bytes, because a module may nest a block in every two bytes of a body.
struct BlockType {
  static constexpr std::uint32_t kEmpty = 0xffffffff, kSingle = 0x80000000;
  std::uint32_t code = kEmpty;  ///< a type index, or kSingle | index in kSingles, or kEmpty

  static constexpr ValType kSingles[] = {kI32, kI64, kF32, kF64, kV128, kFuncRef, kExternRef};

  std::span<const ValType> params(const Module& module) const {
    if (code & kSingle) return {};
    return module.func_type(code).params;
  }
  std::span<const ValType> results(const Module& module) const {
    if (code == kEmpty) return {};
    if (code & kSingle) return {&kSingles[code & ~kSingle], 1};
    return module.func_type(code).results;
  }

  static BlockType read(Reader& reader, const Module& module) {
    const std::uint32_t at = reader.position();
    const std::uint8_t first = reader.peek();
    if (first == 0x40) {
      reader.byte();
      return {};
    }
    if ((first & 0xc0) == 0x40) {  // a negative number in one byte: a value type
      const ValType type = read_val_type(reader);
      for (std::uint32_t i = 0; i < std::size(kSingles); ++i)
        if (kSingles[i] == type) return {kSingle | i};
      return {};
    }
    const std::int64_t index = reader.s33();
    if (!reader.ok()) return {};
    if (index < 0) {
      reader.fail(Error::Kind::malformed, at, "malformed block type");
      return {};
    }
    if (static_cast<std::uint64_t>(index) >= module.types.size()) {
      reader.fail(Error::Kind::invalid, at, with_number("unknown type", static_cast<std::uint64_t>(index)));
      return {};
    }
    return {static_cast<std::uint32_t>(index)};
  }
};

}  // namespace nebulet::wasm
