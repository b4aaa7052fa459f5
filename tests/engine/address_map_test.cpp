// SPDX-License-Identifier: MIT
#include "wasm/runtime/address_map.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace nebulet::wasm {
namespace {

constinit AddressMap<int, 12> g_map;

TEST(AddressMap, GrowsWhileOthersLookUp) {
  constexpr std::uint64_t kCount = 50'000;
  static std::vector<int> values(kCount);
  const auto address = [](std::uint64_t i) { return (i * 7 + 3) << 12; };
  ASSERT_TRUE(g_map.insert(address(0), &values[0]));
  std::atomic<std::uint64_t> inserted = 1;
  std::thread reader([&] {
    std::uint64_t random = 1;
    while (inserted < kCount) {
      random = random * 6364136223846793005 + 1442695040888963407;
      const std::uint64_t i = (random >> 33) % inserted;
      ASSERT_EQ(g_map.find(address(i) + 5), &values[i]);
    }
  });
  for (std::uint64_t i = 1; i < kCount; ++i) {
    ASSERT_TRUE(g_map.insert(address(i), &values[i]));
    inserted = i + 1;
  }
  reader.join();
  for (std::uint64_t i = 0; i < kCount; i += 2) g_map.erase(address(i));
  for (std::uint64_t i = 0; i < kCount; ++i)
    ASSERT_EQ(g_map.find(address(i)), i % 2 ? &values[i] : nullptr) << i;
  for (std::uint64_t i = 1; i < kCount; i += 2) g_map.erase(address(i));
  EXPECT_EQ(g_map.find(address(1)), nullptr);
  ASSERT_TRUE(g_map.insert(address(1), &values[1]));
  EXPECT_EQ(g_map.find(address(1)), &values[1]);
}

}  // namespace
}  // namespace nebulet::wasm
