// SPDX-License-Identifier: MIT
// The names of the kernel's calls, for files that people read.
#pragma once

#include <algorithm>
#include <format>
#include <iterator>
#include <string>

#include "abi/generated/shapes.h"

namespace nebulet::tool {

inline std::string call_name(unsigned number) {
  const auto found = std::ranges::find(abi::kCallShapes, number, &abi::CallShape::number);
  return found == std::end(abi::kCallShapes) ? std::format("call {:#x}", number) : found->name;
}

}  // namespace nebulet::tool
