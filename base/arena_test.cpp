// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <gtest/gtest.h>

namespace nebulet {
namespace {

TEST(Arena, AlignsAndKeepsAllocationsApart) {
  Arena arena;
  auto* byte = static_cast<std::byte*>(arena.allocate(1, 1));
  auto* word = static_cast<std::byte*>(arena.allocate(8, 8));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(word) % 8, 0u);
  EXPECT_GT(word, byte);
}

TEST(Arena, ServesRequestsLargerThanAChunk) {
  Arena arena;
  auto large = arena.allocate_array<std::uint64_t>(1 << 20, 7u);
  EXPECT_EQ(large.front(), 7u);
  EXPECT_EQ(large.back(), 7u);
}

TEST(Arena, ResetReusesTheMemory) {
  Arena arena;
  for (int round = 0; round < 100; ++round) {
    arena.reset();
    for (int i = 0; i < 100; ++i) arena.allocate(1000, 8);
  }
  EXPECT_LE(arena.footprint(), 2u * 256 * 1024);
}

TEST(ArenaVector, PushBackOfAnOwnElementSurvivesGrowth) {
  Arena arena;
  ArenaVector<int> vector(arena);
  vector.push_back(42);
  for (int i = 0; i < 1000; ++i) vector.push_back(vector[0]);
  EXPECT_EQ(vector.size(), 1001u);
  EXPECT_EQ(vector.back(), 42);
}

}  // namespace
}  // namespace nebulet
