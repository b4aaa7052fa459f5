// SPDX-License-Identifier: MIT
#include "wasm/ir/cfg.h"

#include <gtest/gtest.h>

#include <vector>

#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"

namespace nebulet::wasm::ir {
namespace {

/// A graph of empty blocks: successors[b] are b's targets; one or two of them become br or br_if, none a
/// return.
struct Graph {
  explicit Graph(const std::vector<std::vector<std::uint32_t>>& successors) : f(arena) {
    for (std::uint32_t b = 0; b < successors.size(); ++b) {
      BlockData data{.first = f.order.size()};
      Value condition;
      if (successors[b].size() > 1) {
        condition = f.add({.op = Op::iconst, .type = Type::i32, .imm = 1}, 0);
        f.order.push_back(condition);
      }
      const std::uint32_t edge = f.edges.size();
      for (std::uint32_t to : successors[b]) f.edges.push_back({Block(b), Block(to)});
      Inst end{.op = Op::return_};
      if (successors[b].size() == 1) end = {.op = Op::br, .imm = edge};
      if (successors[b].size() == 2) end = {.op = Op::br_if, .a = condition, .imm = edge};
      if (successors[b].size() > 2) {
        end = {.op = Op::br_table,
               .a = condition,
               .count = static_cast<std::uint32_t>(successors[b].size()),
               .imm = edge};
      }
      f.order.push_back(f.add(end, 0));
      data.count = f.order.size() - data.first;
      f.blocks.push_back(data);
    }
  }
  Arena arena;
  Function f;
};

TEST(Cfg, DiamondJoinsAtItsHead) {
  Graph g({{1, 2}, {3}, {3}, {}});
  compute_cfg(g.f);
  ASSERT_EQ(g.f.blocks.size(), 4u);
  EXPECT_EQ(g.f.blocks[3].idom, Block(0));
  EXPECT_EQ(g.f.blocks[3].pred_count, 2u);
  EXPECT_EQ(verify(g.f), "");
}

TEST(Cfg, UnreachableBlocksAreDropped) {
  Graph g({{2}, {2}, {}});
  compute_cfg(g.f);
  EXPECT_EQ(g.f.blocks.size(), 2u);
  EXPECT_EQ(g.f.blocks[1].pred_count, 1u);
}

TEST(Cfg, LoopsAreContiguousAndNested) {
  // 1 heads the outer loop (2, 3, 5), 3 heads the inner loop with 4; 6 leaves from the middle of the inner
  // loop.
  Graph g({{1}, {2, 6}, {3}, {4, 6}, {3, 5}, {1}, {}});
  compute_cfg(g.f);
  ASSERT_EQ(g.f.blocks.size(), 7u);
  std::uint32_t deepest = 0;
  for (std::uint32_t b = 0; b < 7; ++b) {
    deepest = std::max(deepest, g.f.blocks[b].loop_depth);
    if (g.f.blocks[b].loop_header.valid()) EXPECT_LE(g.f.blocks[b].loop_header.index, b);
  }
  EXPECT_EQ(deepest, 2u);
  EXPECT_EQ(g.f.blocks[0].loop_depth, 0u);
  EXPECT_EQ(g.f.blocks[6].loop_depth, 0u) << "the exit lies behind the loop";
  EXPECT_EQ(verify(g.f), "");
}

TEST(Cfg, CriticalEdgesGetABlock) {
  Graph g({{1, 2}, {2}, {}});
  compute_cfg(g.f);
  split_critical_edges(g.f);
  EXPECT_EQ(g.f.blocks.size(), 4u);
  EXPECT_EQ(verify(g.f), "");
}

TEST(Cfg, ManyBranchesToOneLabelStayLinear) {
  // Each of n blocks branches to the end or goes on: intersecting naively along the idom chain would take n²
  // steps.
  constexpr std::uint32_t n = 200000;
  std::vector<std::vector<std::uint32_t>> successors;
  for (std::uint32_t b = 0; b < n; ++b) successors.push_back({n, b + 1});
  successors.push_back({});
  Graph g(successors);
  compute_cfg(g.f);
  EXPECT_EQ(g.f.blocks.size(), n + 1);
}

}  // namespace
}  // namespace nebulet::wasm::ir
