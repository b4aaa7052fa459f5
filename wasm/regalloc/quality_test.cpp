// SPDX-License-Identifier: MIT
// What the allocator must not do: moves, loads and stores where none are needed.
#include <gtest/gtest.h>

#include "wasm/regalloc/check.h"
#include "wasm/regalloc/print.h"
#include "wasm/regalloc/test_support.h"

namespace nebulet::wasm::regalloc {
namespace {

using test::Builder;
using test::kNoBlock;
using test::kRegisters;
using test::V;
using namespace test;

class Quality : public ::testing::Test {
 protected:
  void allocate_function() {
    function = &b.finish();
    result.emplace(allocate(*function, kRegisters, arena));
    text = print(*function, &*result);
    ASSERT_EQ(check(*function, *result, &kRegisters), "") << text;
  }
  std::uint32_t edits_in(std::uint32_t block) const {
    const mir::BlockData& data = function->blocks[b.index[block]];
    std::uint32_t count = 0;
    for (const Edit& edit : result->edits)
      count += edit.before >= data.first && edit.before < data.first + data.count;
    return count;
  }

  Arena arena;
  Builder b{arena};
  mir::Function* function = nullptr;
  std::optional<Result> result;
  std::string text;
};

/// for (i = 0; i < n; i += step) sum += i;
TEST_F(Quality, CountedLoopHasNoEdits) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  const V n = b.value(), step = b.value(), i = b.value(), sum = b.value();
  b.arguments(entry, {n, step});
  const V zero = b.constant(entry);
  b.jump(entry, header, {zero, zero});
  b.blocks[header].params = {i, sum};
  const V sum2 = b.add(header, sum, i), i2 = b.add(header, i, step);
  b.branch(header, i2, n, back, out);
  b.jump(back, header, {i2, sum2});
  b.ret(out, sum2);
  allocate_function();
  EXPECT_EQ(edits_in(header) + edits_in(back), 0u) << text;
  EXPECT_EQ(result->spill_bytes, 0u);
}

/// A result that is passed on around the loop in another order than it is made, and an old value that is
/// still needed behind it.
TEST_F(Quality, PostIncrementNeedsOneMove) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  const V n = b.value(), i = b.value(), one = b.value();
  b.arguments(entry, {n, one});
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  const V i2 = b.add(header, i, one);
  b.inst(header, {use(i), use(n)});
  b.branch(header, i2, n, back, out);
  b.jump(back, header, {i2});
  b.ret(out, i2);
  allocate_function();
  EXPECT_EQ(edits_in(header) + edits_in(back), 1u) << text;
}

TEST_F(Quality, ColdCallCostsTheHotPathNothing) {
  const auto entry = b.block(), header = b.loop_block(1), slow = b.block(header, 1, true),
             fast = b.block(header, 1), join = b.block(header, 1), back = b.block(header, 1), out = b.block();
  const V n = b.value(), k = b.value(), i = b.value();
  b.arguments(entry, {n, k});
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  b.branch(header, i, k, slow, fast);
  b.call(slow, {i});
  b.jump(slow, join);
  b.jump(fast, join);
  const V i2 = b.add(join, i, k);
  b.branch(join, i2, n, back, out);
  b.jump(back, header, {i2});
  b.ret(out, i2);
  allocate_function();
  for (const auto block : {header, fast, join, back}) EXPECT_EQ(edits_in(block), 0u) << text;
  EXPECT_GT(edits_in(slow), 0u) << text;
}

/// A variable of a loop in which two ways out of many have a call: it is stored there, not each time around.
TEST_F(Quality, RareCallsStoreWhatTheyEvict) {
  const auto entry = b.block(), header = b.loop_block(1);
  const V n = b.value(), k = b.value(), i = b.value();
  b.arguments(entry, {n, k});
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  // Both sides of the header go down three steps, at each of which half of what comes leaves.
  std::vector<std::uint32_t> hot, calling;
  const auto left = b.block(header, 1), right = b.block(header, 1);
  b.branch(header, i, k, left, right);
  for (auto at : {left, right}) {
    for (int step = 0; step < 3; ++step) {
      const auto down = b.block(header, 1), leave = b.block(header, 1);
      b.branch(at, i, k, down, leave);
      hot.push_back(leave);
      at = down;
    }
    b.call(at, {i});
    calling.push_back(at);
  }
  const auto back = b.block(header, 1), latch = b.block(header, 1), out = b.block();
  for (const auto block : hot) b.jump(block, back);
  for (const auto block : calling) b.jump(block, back);
  const V i2 = b.add(back, i, k);
  b.branch(back, i2, n, latch, out);
  b.jump(latch, header, {i2});
  b.ret(out, i2);
  allocate_function();
  for (const auto block : {header, left, right, latch}) EXPECT_EQ(edits_in(block), 0u) << text;
  for (const auto block : calling) EXPECT_GT(edits_in(block), 0u) << text;
}

TEST_F(Quality, ConstantsAreRepeatedNotStored) {
  const auto entry = b.block();
  const V x = b.value();
  b.arguments(entry, {x});
  const V c = b.constant(entry);
  const V y = b.lea(entry, x, c);
  const V r = b.call(entry, {y});
  const V z = b.lea(entry, r, c);
  b.ret(entry, z);
  allocate_function();
  std::uint32_t repeated = 0;
  for (const Edit& edit : result->edits) {
    repeated += edit.kind == Edit::Kind::remat;
    EXPECT_TRUE(edit.to.is_reg() && edit.from.is_reg()) << text;
  }
  EXPECT_EQ(repeated, 2u) << text;
  EXPECT_TRUE(result->dead[1]);
}

TEST_F(Quality, AConstantForAParameterInASlotTakesNoRegister) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  const V n = b.value();
  b.arguments(entry, {n});
  std::vector<V> params, constants;
  for (int v = 0; v < 20; ++v) {
    params.push_back(b.value());
    constants.push_back(b.constant(entry));
  }
  b.jump(entry, header, constants);
  b.blocks[header].params = params;
  for (const V v : params) b.inst(header, {use(v)});
  b.branch(header, n, n, back, out);
  b.jump(back, header, params);
  b.ret(out, params[0]);
  allocate_function();
  std::uint32_t into_slots = 0;
  for (const Edit& edit : result->edits) {
    if (edit.before >= function->blocks[1].first) break;
    into_slots += edit.kind == Edit::Kind::remat && !edit.to.is_reg();
    EXPECT_TRUE(edit.kind == Edit::Kind::remat || edit.from == Location::reg(mir::gpr(0))) << text;
  }
  EXPECT_GE(into_slots, 5u) << text;
}

/// An interpreter's loop: more variables than registers, most of which an iteration does not change.
TEST_F(Quality, VariablesInMemoryAreNotCopiedAroundTheLoop) {
  const auto entry = b.block(), header = b.loop_block(1), one = b.block(header, 1),
             other = b.block(header, 1), join = b.block(header, 1), back = b.block(header, 1),
             out = b.block();
  const V n = b.value();
  b.arguments(entry, {n});
  std::vector<V> initial, variables, joined, changed;
  for (int v = 0; v < 30; ++v) {
    initial.push_back(b.value());
    b.inst(entry, {use(n), def(initial.back())});
    variables.push_back(b.value());
    joined.push_back(b.value());
  }
  b.jump(entry, header, initial);
  b.blocks[header].params = variables;
  b.branch(header, n, n, one, other);
  b.jump(one, join, variables);
  changed = variables;
  changed[7] = b.lea(other, variables[7], variables[7]);
  b.jump(other, join, changed);
  b.blocks[join].params = joined;
  b.branch(join, n, n, back, out);
  b.jump(back, header, joined);
  V sum = joined[0];
  for (const V v : joined) sum = b.lea(out, sum, v);
  b.ret(out, sum);
  allocate_function();
  EXPECT_EQ(edits_in(header) + edits_in(one) + edits_in(join) + edits_in(back), 0u) << text;
  EXPECT_LE(edits_in(other), 2u) << text;
}

TEST_F(Quality, AConstantOfALoopIsMadeBeforeIt) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  const V n = b.value(), i = b.value();
  b.arguments(entry, {n});
  const V c = b.constant(entry);
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  const V i2 = b.add(header, i, c);
  b.branch(header, i2, n, back, out);
  b.jump(back, header, {i2});
  b.ret(out, i2);
  allocate_function();
  EXPECT_EQ(edits_in(header) + edits_in(back), 0u) << text;
}

TEST_F(Quality, TwoAddressChainStaysInOneRegister) {
  const auto entry = b.block();
  const V x = b.value(), y = b.value();
  b.arguments(entry, {x, y});
  V sum = x;
  for (int i = 0; i < 20; ++i) sum = b.add(entry, sum, y);
  b.ret(entry, sum);
  allocate_function();
  EXPECT_EQ(result->edits.size(), 0u) << text;
}

TEST_F(Quality, CommutativeOperandsAreExchangedToSaveACopy) {
  const auto entry = b.block();
  const V x = b.value(), y = b.value();
  b.arguments(entry, {x, y});
  const V z = b.add(entry, x, y);  // x lives on, y dies
  const V w = b.lea(entry, z, x);
  b.ret(entry, w);
  allocate_function();
  EXPECT_EQ(result->edits.size(), 0u) << text;
}

TEST_F(Quality, ArgumentsOfACallAreMadeInTheirRegisters) {
  const auto entry = b.block();
  const V x = b.value(), y = b.value();
  b.arguments(entry, {x, y});
  const V p = b.lea(entry, x, y), q = b.lea(entry, x, y);
  const V r = b.call(entry, {q, p});
  b.ret(entry, r);
  allocate_function();
  EXPECT_LE(result->edits.size(), 1u) << text;
}

TEST_F(Quality, AValueThatLivesThroughALoopWithCallsIsNotReloadedInIt) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  const V n = b.value(), through = b.value(), i = b.value();
  b.arguments(entry, {n, through});
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  const V r = b.call(header, {i});
  b.branch(header, r, r, back, out);
  b.jump(back, header, {r});
  const V sum = b.lea(out, through, r);
  b.ret(out, sum);
  allocate_function();
  EXPECT_EQ(edits_in(header), 0u) << text;
  EXPECT_EQ(edits_in(back), 0u) << text;
}

TEST_F(Quality, PressureInALoopSpillsWhatTheLoopDoesNotUse) {
  const auto entry = b.block(), header = b.loop_block(1), back = b.block(header, 1), out = b.block();
  std::vector<V> loaded;
  const V n = b.value(), i = b.value();
  b.arguments(entry, {n});
  for (int v = 0; v < 16; ++v) {
    loaded.push_back(b.value());
    b.inst(entry, {use(n), def(loaded.back())});
  }
  b.jump(entry, header, {n});
  b.blocks[header].params = {i};
  V x = i;
  for (int v = 0; v < 8; ++v) x = b.lea(header, x, loaded[v]);
  b.branch(header, x, n, back, out);
  b.jump(back, header, {x});
  V sum = x;
  for (const V v : loaded) sum = b.lea(out, sum, v);
  b.ret(out, sum);
  allocate_function();
  EXPECT_EQ(edits_in(header) + edits_in(back), 0u) << text;
}

TEST_F(Quality, ASpilledValueReadOnceIsReadFromItsSlot) {
  const auto entry = b.block();
  const V x = b.value(), y = b.value();
  b.arguments(entry, {x, y});
  const V r = b.call(entry, {y});
  const V z = b.add(entry, r, x);
  b.ret(entry, z);
  allocate_function();
  EXPECT_EQ(result->edits.size(), 1u + 1u) << text;  // the argument's move and the store
}

TEST_F(Quality, DivisionOfAnArgumentMovesItOnce) {
  const auto entry = b.block();
  const V x = b.value(), y = b.value(), q = b.value(), r = b.value();
  b.arguments(entry, {x, y});
  b.inst(entry, {use_at(x, mir::gpr(0)), use_slot(y), def_at(q, mir::gpr(0)), early_at(r, mir::gpr(2))});
  b.ret(entry, q);
  allocate_function();
  EXPECT_EQ(result->edits.size(), 0u) << text;
}

}  // namespace
}  // namespace nebulet::wasm::regalloc
