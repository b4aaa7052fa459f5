// SPDX-License-Identifier: MIT
// Random functions through the allocator and the checker.
#include <gtest/gtest.h>

#include "wasm/regalloc/check.h"
#include "wasm/regalloc/print.h"
#include "wasm/regalloc/test_support.h"

namespace nebulet::wasm::regalloc {
namespace {

using test::Builder;
using test::kRegisters;
using test::RandomFunction;
using test::RandomShape;

/// Makes about half of the values traced references; what flows into a parameter or through a move is one if
/// that is.
void trace_some(mir::Function& f, std::uint64_t seed) {
  std::vector<std::uint32_t> leader(f.vregs.size());
  for (std::uint32_t v = 0; v < leader.size(); ++v) leader[v] = v;
  auto find = [&](std::uint32_t v) {
    while (leader[v] != v) v = leader[v] = leader[leader[v]];
    return v;
  };
  for (const mir::BlockData& block : f.blocks) {
    for (const mir::EdgeData& edge : f.edges.slice(block.succs, block.succ_count)) {
      const mir::BlockData& to = f.blocks[edge.to.index];
      for (std::uint32_t p = 0; p < edge.count; ++p)
        leader[find(f.pool[edge.args + p])] = find(f.pool[to.params + p]);
    }
    for (const mir::Inst& inst : f.insts.slice(block.first, block.count))
      if (inst.flags & mir::kMove) {
        const auto operands = f.operands_of(inst);
        leader[find(operands[0].vreg.index)] = find(operands[1].vreg.index);
      }
  }
  for (std::uint32_t v = 0; v < leader.size(); ++v)
    f.vregs[v].traced = f.vregs[v].reg_class == mir::RegClass::gpr && (find(v) * 2654435761u + seed) % 7 < 4;
}

void run(RandomShape shape, std::uint64_t seeds, Mode mode) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Arena arena;
    Builder builder(arena);
    RandomFunction(builder, seed, shape).build();
    mir::Function& function = builder.finish();
    trace_some(function, seed);
    const Result result = allocate(function, kRegisters, arena, mode);
    const std::string error = check(function, result, &kRegisters);
    ASSERT_EQ(error, "") << "seed " << seed << "\n" << print(function, &result);
  }
}

TEST(RandomFunctions, Small) { run({.size = 12, .depth = 2}, 2000, Mode::global); }
TEST(RandomFunctions, Medium) { run({}, 800, Mode::global); }
TEST(RandomFunctions, HighPressure) { run({.size = 120, .reach = 60, .calls = 2}, 400, Mode::global); }
TEST(RandomFunctions, ManyFixedRegisters) {
  run({.size = 60, .reach = 24, .calls = 15, .fixed = 50, .vectors = 10}, 500, Mode::global);
}
TEST(RandomFunctions, Vectors) { run({.size = 100, .reach = 50, .vectors = 80}, 300, Mode::global); }
TEST(RandomFunctions, DeepLoops) { run({.size = 150, .depth = 9, .reach = 20}, 200, Mode::global); }
TEST(RandomFunctions, BlockLocal) { run({.size = 80, .reach = 30}, 500, Mode::block_local); }
TEST(RandomFunctions, BlockLocalSmall) { run({.size = 12, .depth = 2}, 800, Mode::block_local); }

}  // namespace
}  // namespace nebulet::wasm::regalloc
