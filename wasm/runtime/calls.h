// SPDX-License-Identifier: MIT
// Where the arguments and results of a wasm function lie, for whoever calls it from C++ or builds its
// FuncTarget.
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/binary/types.h"

namespace nebulet::wasm {

/// Places values one after another: registers of their class first, then the stack
/// (docs/concepts/generated-code.md).
class ValuePlaces {
 public:
  struct Place {
    enum class Kind : std::uint8_t { gpr, vec, stack } kind;
    std::uint32_t at;  ///< number in its register sequence, or byte offset
  };
  Place next(const ValType& type) {
    const bool vec = type == kF32 || type == kF64 || type == kV128;
    if (vec && vecs_ < kRegisters) return {Place::Kind::vec, vecs_++};
    if (!vec && gprs_ < kRegisters) return {Place::Kind::gpr, gprs_++};
    const Place place{Place::Kind::stack, stack_};
    stack_ += type == kV128 ? 16 : 8;
    return place;
  }
  std::uint32_t stack_bytes() const { return stack_; }

  static std::uint32_t stack_bytes_of(const std::vector<ValType>& types) {
    ValuePlaces places;
    for (const ValType& type : types) places.next(type);
    return places.stack_bytes();
  }

 private:
  static constexpr std::uint32_t kRegisters = 8;
  std::uint32_t gprs_ = 0, vecs_ = 0, stack_ = 0;
};

}  // namespace nebulet::wasm
