// SPDX-License-Identifier: MIT
// Arguments and result patterns of scripts.
#pragma once

#include <string>

#include "tests/suite/script.h"
#include "wasm/runtime/store.h"

namespace nebulet::suite {

/// Reads a constant.
wasm::Value read_argument(ScriptReader& script);

/// A reading of one result pattern against one result. Always reads the whole pattern.
struct Match {
  bool ok = false;
  std::string expected;
};
Match match_result(ScriptReader& script, wasm::Store& store, const wasm::ValType& type,
                   const wasm::Value& actual);

/// "i32 0x2a", "v128 …", "ref 0x12".
std::string describe(const wasm::ValType& type, const wasm::Value& value);

}  // namespace nebulet::suite
