// SPDX-License-Identifier: MIT
#include "wasm/frontend/build.h"

#include <gtest/gtest.h>

#include <string>

#include "wasm/compile.h"
#include "wasm/frontend/wat_test_helper.h"
#include "wasm/ir/cfg.h"
#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"

namespace nebulet::wasm {
namespace {

/// The SSA of the module's first defined function, checked; or the error.
std::string build(const std::string& wat) {
  const auto bytes = assemble(wat);
  const auto module = decode_module(bytes);
  if (!module) return "module: " + module.error().message;
  Arena arena;
  ir::Function function(arena);
  if (const auto built = build_function(*module, 0, function); !built) return built.error().message;
  ir::compute_cfg(function);
  EXPECT_EQ(ir::verify(function), "");
  return ir::print(function);
}
/// The text without what follows ';'.
std::string lines(std::string text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';') {
      while (!out.empty() && out.back() == ' ') out.pop_back();
      while (i < text.size() && text[i] != '\n') ++i;
    }
    if (i < text.size()) out += text[i];
  }
  return out;
}
int count(const std::string& text, const std::string& word) {
  int n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

TEST(Build, ALoopHasParametersForWhatItAssignsOnly) {
  EXPECT_EQ(lines(build(R"((func (param i64 i64) (result i64) (local i64)
    (loop
      (local.set 2 (i64.add (local.get 2) (local.get 1)))
      (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
      (br_if 0 (i64.eqz (local.get 0))))
    local.get 2))")),
            "b0(v0.i64, v1.i64):\n"
            "  v10 = iconst.i64 #0\n"
            "  br b1(v10, v0)\n"
            "b1(v3.i64, v5.i64):\n"
            "  v4 = add.i64 v3, v1\n"
            "  v6 = iconst.i64 #1\n"
            "  v7 = sub.i64 v5, v6\n"
            "  v8 = eqz.i32 v7\n"
            "  br_if v8 b1(v4, v7) b2\n"
            "b2:\n"
            "  return_(v4)\n");
}

TEST(Build, WhatIsNeverReadAgainIsNoParameter) {
  const std::string text = build(R"((func (param i32) (result i32) (local i32)
    (if (local.get 0) (then (local.set 1 (i32.const 5))) (else (local.set 1 (i32.const 6))))
    local.get 0))");
  EXPECT_EQ(count(text, "(v"), 2) << text;  // the entry's and the return's
}

TEST(Build, AnIfWithoutElseBranchesAroundItsArm) {
  EXPECT_EQ(lines(build(R"((func (param i32) (result i32)
    (if (local.get 0) (then (local.set 0 (i32.const 5))))
    local.get 0))")),
            "b0(v0.i32):\n"
            "  br_if v0 b1 b2(v0)\n"
            "b1:\n"
            "  v2 = iconst.i32 #5\n"
            "  br b2(v2)\n"
            "b2(v4.i32):\n"
            "  return_(v4)\n");
}

TEST(Build, TheSecondArmSeesTheLocalsFromBeforeTheFirst) {
  const std::string text = lines(build(R"((func (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (local.set 0 (i32.const 5)) (local.get 0))
      (else (local.get 0)))))"));
  EXPECT_NE(text.find("br b3(v0)"), std::string::npos) << text;
}

TEST(Build, ALoopThatNeverRepeatsHasNoParameters) {
  const std::string text =
      build("(func (param i32) (result i32) (loop (local.set 0 (i32.const 1))) local.get 0)");
  EXPECT_EQ(count(text, "b1:"), 1) << text;
}

TEST(Build, AParameterThatIsAlwaysTheSameIsRemoved) {
  // The inner loop writes the local's own value back, so neither loop changes it.
  const std::string text = build(R"((func (param i32 i32) (result i32)
    (loop (loop (local.set 0 (local.get 0)) (br_if 0 (local.get 1))) (br_if 0 (local.get 1)))
    local.get 0))");
  EXPECT_NE(text.find("return_(v0)"), std::string::npos) << text;
}

TEST(Build, ResultsOfBlocksAreMerged) {
  const std::string text = lines(build(R"((func (param i32) (result i32 i64)
    (block (result i32 i64)
      (br_if 0 (i32.const 1) (i64.const 2) (local.get 0))
      drop drop (i32.const 3) (i64.const 4))))"));
  EXPECT_NE(text.find("(v"), std::string::npos);
  EXPECT_EQ(count(text, "return_"), 1);
}

TEST(Build, UnreachableCodeGivesNothing) {
  const std::string text = build(R"((func (result i32)
    unreachable (loop (drop (i32.add (i32.const 1) (i32.const 2))) br 0) i64.mul drop i32.add))");
  EXPECT_EQ(count(text, "\n"), 2) << text;
  EXPECT_EQ(count(text, "cold"), 1) << text;
}

TEST(Build, CodeBehindABlockIsReachedOnlyByBranchesToIt) {
  const std::string dead = build("(func (result i32) (block (return (i32.const 1))) (i32.const 2))");
  EXPECT_EQ(count(dead, "return_"), 1) << dead;
  const std::string live = build(
      "(func (param i32) (result i32) (block (br_if 0 (local.get 0)) (return (i32.const 1))) (i32.const 2))");
  EXPECT_EQ(count(live, "return_"), 2) << live;
}

TEST(Build, EveryTargetOfABranchTableGetsItsArguments) {
  const std::string text = build(R"((func (param i32) (result i32)
    (block (result i32) (block (result i32)
      (br_table 0 1 0 1 (i32.const 7) (local.get 0))))))");
  EXPECT_NE(text.find("br_table v0"), std::string::npos) << text;
}

TEST(Build, CallsWithSeveralResultsAreFollowedByTheOthers) {
  const std::string good = lines(build(R"((import "m" "f" (func $f (param i32) (result i32 i64 f32)))
    (func (param i32) (result i32 i64 f32) (call $f (local.get 0))))"));
  EXPECT_EQ(good,
            "b0(v0.i32):\n"
            "  v1 = call.i32(v0)\n"
            "  v2 = result.i64 v1 #1\n"
            "  v3 = result.f32 v1 #2\n"
            "  return_(v1, v2, v3)\n");
}

TEST(Build, AccessesKeepOffsetAndWidth) {
  const std::string text = lines(build(R"((memory 1) (func (param i32) (result i64)
    (i32.store16 offset=70000 (local.get 0) (i32.const 1))
    (i64.load8_s offset=5 (local.get 0))))"));
  EXPECT_NE(text.find("load.i64.s8 v0 #5"), std::string::npos) << text;
  EXPECT_NE(text.find("#70000"), std::string::npos) << text;
}

TEST(Build, DefaultsOfLocalsAreMadeOnce) {
  const std::string text = build("(func (result i32) (local i32 i32) (i32.add (local.get 0) (local.get 1)))");
  EXPECT_EQ(count(text, "iconst"), 1) << text;
}

// The following must take time and memory in proportion to the text; they are sized to hang a quadratic
// builder.

TEST(BuildCost, ManyLocalsAndManyBlocks) {
  std::string wat = "(func (param i32) (result i32) (local";
  for (int i = 0; i < 49'000; ++i) wat += " i32";
  wat += ")";
  for (int i = 0; i < 20'000; ++i)
    wat += "(block (br_if 0 (local.get 0)) (local.set " + std::to_string(i + 1) + " (local.get 0)))";
  wat += "local.get 20000)";
  EXPECT_EQ(count(build(wat), "return_"), 1);
}

TEST(BuildCost, DeepNesting) {
  constexpr int kDepth = 1'000'000;  // in bytes: wat2wasm recurses
  std::vector<std::byte> body(1);    // no locals
  const auto append = [&](std::initializer_list<int> values) {
    for (const int v : values) body.push_back(static_cast<std::byte>(v));
  };
  for (int i = 0; i < kDepth; ++i) append({0x02, 0x40});
  append({0x41, 0x01, 0x0d, 0x00});
  for (int i = 0; i <= kDepth; ++i) append({0x0b});
  Module module;
  module.bytes = body;
  module.types.resize(1);
  module.functions.push_back({.body_begin = 0, .body_end = static_cast<std::uint32_t>(body.size())});
  Arena arena;
  ir::Function function(arena);
  const auto built = build_function(module, 0, function);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(function.blocks.size(), 3u);
  EXPECT_LE(arena.footprint(), 64 * body.size());
}

TEST(BuildCost, NestedLoopsThatAssignEverythingRunOutOfFuel) {
  std::string wat = "(func (param i32) (local";
  for (int i = 0; i < 5000; ++i) wat += " i32";
  wat += ")";
  for (int i = 0; i < 5000; ++i) wat += " loop";
  for (int i = 0; i < 5000; ++i) wat += " local.get 0 local.set " + std::to_string(i + 1);
  for (int i = 0; i < 5000; ++i) wat += " end";
  EXPECT_EQ(build(wat + ")"), "function exceeds the compile budget");
}

TEST(BuildCost, ManyBranchesThatSeeManyLocalsRunOutOfFuel) {
  std::string wat = "(func (param i32) (result i32) (local";
  for (int i = 0; i < 3000; ++i) wat += " i32";
  wat += ") block";
  for (int i = 0; i < 3000; ++i)
    wat += " local.get 0 local.set " + std::to_string(i + 1) + " local.get 0 br_if 0";
  wat += " end local.get 0";
  for (int i = 0; i < 3000; ++i) wat += " local.get " + std::to_string(i + 1) + " i32.add";
  EXPECT_EQ(build(wat + ")"), "function exceeds the compile budget");
}

TEST(BuildCost, ManyAssignmentsOfOneLocalInALoop) {
  std::string wat = "(func (param i32) (result i32) loop";
  for (int i = 0; i < 30'000; ++i) wat += " block local.get 0 br_if 0 local.get 0 i32.eqz local.set 0 end";
  EXPECT_EQ(count(build(wat + " br 0 end unreachable)"), "br b1("), 2);
}

}  // namespace
}  // namespace nebulet::wasm
