// SPDX-License-Identifier: MIT
// Tests of the file system in memory: that the quota holds and comes back, and what programs cannot see. What
// they can, tests/wasi tests.
#include "user/ninep/memory_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace nebulet::ninep {
namespace {

constexpr std::uint64_t kQuota = 100'000;

class MemoryFilesTest : public testing::Test {
 protected:
  MemoryFilesTest() { EXPECT_EQ(files_.attach("", root_), 0); }

  std::unique_ptr<File> make_file(const std::string& name) {
    std::unique_ptr<File> file;
    EXPECT_EQ(root_->clone(file), 0);
    EXPECT_EQ(file->create(name, kOpenReadWrite | kOpenExclusive, 0666), 0);
    return file;
  }

  MemoryFiles files_{kQuota, 1, [] { return std::uint64_t{42}; }};
  std::unique_ptr<File> root_;
};

TEST_F(MemoryFilesTest, TheQuotaHoldsAndComesBack) {
  const std::uint64_t empty = files_.used();
  auto file = make_file("a");
  std::vector<std::byte> bytes(64 * 1024, std::byte{7});
  std::size_t done = 0, total = 0;
  Error error = 0;
  while ((error = file->write(total, bytes, done)) == 0) total += done;
  EXPECT_EQ(error, errors::nospc);
  EXPECT_GT(total, kQuota * 9 / 10 - 4096);
  EXPECT_LE(files_.used(), kQuota);
  EXPECT_EQ(root_->make_directory("d", 0777), 0);
  EXPECT_EQ(file->set_size(5000), 0);
  EXPECT_LT(files_.used(), empty + 2 * 4096 + 2000);
  EXPECT_EQ(file->set_size(1ull << 60), 0);  // a hole takes nothing
  EXPECT_EQ(file->read((1ull << 60) - 10, bytes, done), 0);
  EXPECT_EQ(done, 10u);
  EXPECT_EQ(file->allocate(0, 1ull << 60), errors::nospc);
  EXPECT_EQ(root_->remove("a", false), 0);
  EXPECT_GT(files_.used(), empty + 4096);  // it is still open
  file.reset();
  EXPECT_EQ(root_->remove("d", true), 0);
  EXPECT_EQ(files_.used(), empty);
}

TEST_F(MemoryFilesTest, NamesAreCounted) {
  const std::uint64_t empty = files_.used();
  int made = 0;
  while (root_->make_symlink("link" + std::to_string(made), std::string(1000, 'x')) == 0) made++;
  EXPECT_GT(made, 50);
  EXPECT_LE(files_.used(), kQuota);
  int directories = 0;
  while (root_->make_directory(std::string(100, 'n') + std::to_string(directories), 0777) == 0) directories++;
  EXPECT_LT(directories, 3);
  while (directories-- > 0)
    EXPECT_EQ(root_->remove(std::string(100, 'n') + std::to_string(directories), true), 0);
  while (made-- > 0) EXPECT_EQ(root_->remove("link" + std::to_string(made), false), 0);
  EXPECT_EQ(files_.used(), empty);
}

TEST_F(MemoryFilesTest, WhatIsCutOffReadsAsZeros) {
  auto file = make_file("a");
  std::size_t done = 0;
  const std::vector<std::byte> bytes(6000, std::byte{7});
  EXPECT_EQ(file->write(0, bytes, done), 0);
  EXPECT_EQ(file->set_size(100), 0);
  EXPECT_EQ(file->set_size(6000), 0);
  std::vector<std::byte> back(6000);
  EXPECT_EQ(file->read(0, back, done), 0);
  EXPECT_EQ(done, 6000u);
  EXPECT_EQ(back[99], std::byte{7});
  EXPECT_TRUE(std::all_of(back.begin() + 100, back.end(), [](std::byte b) { return b == std::byte{}; }));
}

TEST_F(MemoryFilesTest, ADeepTreeEnds) {
  MemoryFiles deep(100 << 20, 1, [] { return std::uint64_t{42}; });
  std::unique_ptr<File> directory, next;
  ASSERT_EQ(deep.attach("", directory), 0);
  for (int i = 0; i < 100'000; i++) {
    ASSERT_EQ(directory->make_directory("d", 0777), 0);
    ASSERT_EQ(directory->child("d", next), 0);
    directory = std::move(next);
  }
}

}  // namespace
}  // namespace nebulet::ninep
