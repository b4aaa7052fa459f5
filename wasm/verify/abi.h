// SPDX-License-Identifier: MIT
// What the verifier knows of the calling convention and of the instance context, from
// docs/concepts/generated-code.md. Written down here a second time on purpose; verify_test.cpp compares it
// with the compiler's constants.
#pragma once

#include <array>
#include <cstdint>

#include "wasm/binary/types.h"
#include "wasm/runtime/layout.h"
#include "wasm/verify/decode.h"

namespace nebulet::wasm::verify {

constexpr std::array kArgGprs = {kRax, kRcx, kRdx, kRbx, kRsi, kRdi, kR8, kR9};
constexpr unsigned kArgVecs = 8;

/// The convention for one function type: which gprs carry i32 or ref values, and the bytes on the stack.
struct TypeAbi {
  std::uint16_t arg_zero = 0, result_zero = 0;
  std::uint32_t stack_args = 0, stack_results = 0;
};

inline bool is_small(const ValType& type) { return type.kind == ValType::Kind::i32 || type.is_ref(); }

/// Bytes of a value of `type` in a global's cell.
inline std::uint8_t width_of(const ValType& type) {
  switch (type.kind) {
    case ValType::Kind::i64:
    case ValType::Kind::f64: return 8;
    case ValType::Kind::v128: return 16;
    default: return 4;
  }
}

TypeAbi abi_of(const FuncType& type);

constexpr std::uint8_t kTrapCount = 0
#define NB_TRAP(name, text) +1
#include "wasm/ir/traps.def"
#undef NB_TRAP
    ;

/// A service: how many operands follow the immediate (all i32 or ref), and whether it returns such a value.
struct BuiltinAbi {
  bool known = false;
  std::uint16_t arg_zero = 0, result_zero = 0;
};
BuiltinAbi abi_of(Builtin builtin);

}  // namespace nebulet::wasm::verify
