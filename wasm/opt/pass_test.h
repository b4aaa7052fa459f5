// SPDX-License-Identifier: MIT
// For tests of passes: what stands before and after as text.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "wasm/ir/cfg.h"
#include "wasm/ir/parse.h"
#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"
#include "wasm/opt/passes.h"

namespace nebulet::wasm::opt {

/// The text without comments, with values and blocks in normal form.
inline std::string normal_form(std::string_view text) {
  Arena arena;
  ir::Function f(arena);
  const auto parsed = ir::parse(text, f);
  EXPECT_TRUE(parsed.has_value()) << parsed.error();
  std::string printed = ir::print(f);
  for (auto at = printed.find("  ;"); at != std::string::npos; at = printed.find("  ;")) {
    printed.erase(at, printed.find('\n', at) - at);
  }
  return printed;
}

inline void expect(const std::function<void(ir::Function&)>& pass, std::string_view before,
                   std::string_view after) {
  Arena arena;
  ir::Function f(arena);
  const auto parsed = ir::parse(before, f);
  ASSERT_TRUE(parsed.has_value()) << parsed.error();
  ir::compute_cfg(f);
  ASSERT_EQ(ir::verify(f), "") << ir::print(f);
  pass(f);
  ir::compute_cfg(f);
  EXPECT_EQ(ir::verify(f), "") << ir::print(f);
  EXPECT_EQ(normal_form(ir::print(f)), normal_form(after)) << ir::print(f);
}
inline void simplified(std::string_view before, std::string_view after) {
  expect(
      [](ir::Function& f) {
        if (simplify(f)) ir::compute_cfg(f);
        eliminate_dead_code(f);
      },
      before, after);
}
inline void forwarded(std::string_view before, std::string_view after) {
  expect(
      [](ir::Function& f) {
        forward_state(f);
        eliminate_dead_code(f);
      },
      before, after);
}

}  // namespace nebulet::wasm::opt
