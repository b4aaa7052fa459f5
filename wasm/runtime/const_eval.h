// SPDX-License-Identifier: MIT
// The values of constant expressions (spec 3.3.10, 4.5.4), which validation admitted.
#pragma once

#include <vector>

#include "wasm/binary/module.h"
#include "wasm/error.h"
#include "wasm/runtime/store.h"

namespace nebulet::wasm {

/// Evaluates the constant expressions of one instance that is being made. What validation does not admit is
/// refused all the same. Objects that it allocates are not collected before wasm code runs.
class ConstEvaluator {
 public:
  explicit ConstEvaluator(Instance& instance) : instance_(instance) {}
  /// Globals that the expression names must have their values.
  Result<Value> evaluate(const ConstExpr& expression);

 private:
  bool pop(Value& value);
  bool arithmetic(std::uint32_t opcode);
  bool reference_to(std::uint32_t function);
  bool global(std::uint32_t index);
  Result<bool> aggregate(std::uint32_t opcode, class Reader& reader);

  Instance& instance_;
  std::vector<Value> stack_;
};

}  // namespace nebulet::wasm
