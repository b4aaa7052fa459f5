// SPDX-License-Identifier: MIT
// Values as wast2json writes them.
#pragma once

#include <string>

#include "tests/engine/json.h"
#include "wasm/runtime/store.h"

namespace nebulet::test {

wasm::Value parse_value(const Json& json);
/// Bit for bit, or any canonical or arithmetic NaN where the script says so (spec 4.3.3).
bool value_matches(const Json& expected, const wasm::Value& actual);
std::string hexadecimal(const wasm::Value& value);
std::string describe_expected(const Json& expected);

}  // namespace nebulet::test
