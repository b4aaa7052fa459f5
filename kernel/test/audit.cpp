// SPDX-License-Identifier: MIT
// After each test of the kernel: no page of the process is writable and executable, and none of a reservation
// is accessible that has no memory.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kernel/test/world.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

class Audit final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override { EXPECT_EQ(machine::audit_mappings(), 0u); }
};
const bool is_installed = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Audit);
  return true;
}();

TEST(Audit, SeesMistakes) {
  in_kernel([] {
    EXPECT_TRUE(is_installed);
    void* page = mmap(nullptr, machine::kPageSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    EXPECT_EQ(machine::audit_mappings(), 1u);
    munmap(page, machine::kPageSize);
    std::byte* const slot = machine::reserve(1 << 16, machine::kPageSize);
    ASSERT_EQ(mprotect(slot + machine::kPageSize, machine::kPageSize, PROT_READ), 0);
    EXPECT_EQ(machine::audit_mappings(), 1u);
    machine::release(slot, 1 << 16);
    EXPECT_EQ(machine::audit_mappings(), 0u);
  });
}

}  // namespace
}  // namespace nebulet::kernel
