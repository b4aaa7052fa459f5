// SPDX-License-Identifier: MIT
#include "kernel/memory/slot_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel/test/world.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

constexpr wasm::Host::Slot kKind = {
    .size = 1 << 24, .align = 1 << 24, .ready_at = 1 << 20, .ready = 4 * machine::kPageSize};

TEST(SlotPool, WhatOneLeavesTheNextDoesNotSee) {
  in_kernel([] {
    std::byte* const slot = slot_pool::take(kKind);
    ASSERT_NE(slot, nullptr);
    std::byte* const ready = slot + kKind.ready_at;
    std::memset(ready, 0x5a, kKind.ready);
    const auto others = {slot, ready - machine::kPageSize, ready + kKind.ready,
                         slot + kKind.size - machine::kPageSize};
    for (std::byte* page : others) {
      ASSERT_EQ(machine::commit(page, machine::kPageSize, machine::Protection::read_write),
                machine::kPageSize);
      std::memset(page, 0x5a, machine::kPageSize);
    }
    const std::uint64_t free = machine::free_memory();
    slot_pool::give(slot, kKind);
    EXPECT_EQ(machine::free_memory(), free + others.size() * machine::kPageSize);
    ASSERT_EQ(slot_pool::take(kKind), slot);
    EXPECT_TRUE(std::all_of(ready, ready + kKind.ready, [](std::byte b) { return b == std::byte{0}; }));
    EXPECT_EQ(machine::commit(ready, kKind.ready, machine::Protection::read_write), 0u);
    for (std::byte* page : others) {  // it had no memory any more
      EXPECT_EQ(machine::commit(page, machine::kPageSize, machine::Protection::read_write),
                machine::kPageSize);
      EXPECT_EQ(page[1], std::byte{0});
    }
    slot_pool::give(slot, kKind);
  });
}

TEST(SlotPool, KeepsNoMoreThanAFew) {
  in_kernel([] {
    std::vector<std::byte*> slots;
    for (int i = 0; i < 40; ++i) slots.push_back(slot_pool::take(kKind));
    std::ranges::sort(slots);
    EXPECT_EQ(std::ranges::adjacent_find(slots), slots.end());
    const std::uint64_t free = machine::free_memory();
    for (std::byte* slot : slots) slot_pool::give(slot, kKind);
    EXPECT_EQ(machine::free_memory(), free + (40 - 16) * kKind.ready);
  });
}

}  // namespace
}  // namespace nebulet::kernel
