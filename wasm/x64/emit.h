// SPDX-License-Identifier: MIT
// Machine code from allocated functions: the last stage of the compiler. Collects the functions of a module
// into one CodeObject; knows the frame layout, out-of-line traps, labels and jump tables, but nothing of wasm
// operations.
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"
#include "wasm/regalloc/mir.h"
#include "wasm/regalloc/regalloc.h"
#include "wasm/x64/assembler.h"

namespace nebulet::wasm::x64 {

/// Add the defined functions of a module in ascending order, then `finish`. The module must outlive the
/// builder.
class CodeBuilder {
 public:
  explicit CodeBuilder(const Module& module) : module_(module) {}

  /// Appends the next defined function. `limit` if its frame exceeds kMaxFrame or the text would exceed 1
  /// GiB.
  Result<> add(const mir::Function& function, const regalloc::Result& allocation);
  /// Bytes of code so far.
  std::uint32_t text_bytes() const { return assembler_.size(); }
  /// Patches calls and constants and gives the object away; the builder is empty afterwards.
  CodeObject finish();

 private:
  friend class FunctionEmitter;
  struct CallFixup {
    std::uint32_t at;        ///< of the rel32, in text
    std::uint32_t function;  ///< defined function
  };

  const Module& module_;
  CodeObject object_;
  Assembler assembler_;
  Rodata rodata_;
  std::vector<CallFixup> call_fixups_;
};

}  // namespace nebulet::wasm::x64
