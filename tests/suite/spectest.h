// SPDX-License-Identifier: MIT
// The module `spectest` that the suite's modules import from (the suite's README, "spectest host module").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "wasm/runtime/store.h"

namespace nebulet::suite {

class Spectest {
 public:
  /// The things are made when a module first imports them.
  explicit Spectest(wasm::Store& store) : store_(store) {}
  std::optional<wasm::Extern> find(std::string_view name);

 private:
  wasm::Result<wasm::Extern> make(std::string_view name);

  wasm::Store& store_;
  std::map<std::string, wasm::Extern, std::less<>> made_;
};

}  // namespace nebulet::suite
