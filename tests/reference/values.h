// SPDX-License-Identifier: MIT
// Arguments and result patterns of the official suite's scripts, for the reference interpreter.
#pragma once

#include <string>

#include "tests/reference/store.h"
#include "tests/suite/script.h"

namespace nebulet::reference {

Value read_argument(suite::ScriptReader& script);
/// Reads one pattern wholly; whether the value is one of those that it stands for.
bool match_result(suite::ScriptReader& script, const Store& store, const Value& actual);
std::string describe(const Value& value);

}  // namespace nebulet::reference
