// SPDX-License-Identifier: MIT
// Where the arguments and results of wasm functions are: registers in order, then the stack.
#pragma once

#include <span>

#include "wasm/binary/types.h"
#include "wasm/x64/registers.h"

namespace nebulet::wasm::x64 {

/// The place of one argument or result.
struct Place {
  PReg reg;                  ///< invalid: on the stack
  std::uint32_t offset = 0;  ///< from the first stack argument or stack result
};

/// Hands out places in order; once for the arguments, once for the results.
class PlaceCursor {
 public:
  Place next(ValType type) {
    const bool vec = type.kind == ValType::Kind::f32 || type.kind == ValType::Kind::f64 ||
                     type.kind == ValType::Kind::v128;
    if (vec && vecs_ < kVecArgs.size()) return {kVecArgs[vecs_++]};
    if (!vec && gprs_ < kGprArgs.size()) return {kGprArgs[gprs_++]};
    const Place place{PReg{}, bytes_};
    bytes_ += type.kind == ValType::Kind::v128 ? 16 : 8;
    return place;
  }
  std::uint32_t stack_bytes() const { return bytes_; }

 private:
  unsigned gprs_ = 0, vecs_ = 0;
  std::uint32_t bytes_ = 0;
};

/// Bytes on the stack for a list of arguments or results.
inline std::uint32_t stack_bytes(std::span<const ValType> types) {
  PlaceCursor cursor;
  for (const ValType& type : types) cursor.next(type);
  return cursor.stack_bytes();
}

}  // namespace nebulet::wasm::x64
