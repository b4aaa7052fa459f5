// SPDX-License-Identifier: MIT
// The archive of boot modules: cpio in the "newc" format, which boot loaders pass through and the kernel
// reads.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace nebulet::tool {

class InitfsWriter {
 public:
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add_directory(std::string_view name);
  /// The whole archive; the writer is empty afterwards.
  std::vector<std::byte> finish();

 private:
  void entry(std::string_view name, std::span<const std::byte> bytes, unsigned mode);
  void put(std::span<const std::byte> bytes);
  void pad();

  std::vector<std::byte> archive_;
  unsigned next_inode_ = 1;
};

}  // namespace nebulet::tool
