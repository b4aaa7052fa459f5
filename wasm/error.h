// SPDX-License-Identifier: MIT
// Why a module is refused, and where.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace nebulet::wasm {

struct Error {
  enum class Kind : std::uint8_t {
    malformed,   ///< does not decode (spec 5)
    invalid,     ///< does not validate (spec 3)
    limit,       ///< beyond an implementation limit or the compile budget
    unlinkable,  ///< an import is missing or does not match
    rejected,    ///< the machine-code verifier refused the code: a defect of the compiler
    out_of_memory,
    cancelled,  ///< whoever asked for the work does not want it any more
  };
  Kind kind = Kind::malformed;
  std::uint32_t offset = 0;  ///< byte offset in the module, where it applies
  std::string message;       ///< lower case, no full stop; the spec's words where it has some
};

template <class T = void>
using Result = std::expected<T, Error>;

/// Asked now and then by work that takes long, about every millisecond. It may let other tasks run; an error
/// ends the work, which then has given everything back.
struct Pause {
  Result<> (*ask)(void* state) = nullptr;
  void* state = nullptr;
  Result<> operator()() const { return ask ? ask(state) : Result<>(); }
};

}  // namespace nebulet::wasm
