// SPDX-License-Identifier: MIT
#include "tools/nebulet/initfs.h"

#include <cstdint>
#include <format>
#include <string>

namespace nebulet::tool {

void InitfsWriter::put(std::span<const std::byte> bytes) {
  archive_.insert(archive_.end(), bytes.begin(), bytes.end());
}

void InitfsWriter::pad() { archive_.resize((archive_.size() + 3) & ~std::size_t{3}); }

// cpio(5), "New ASCII Format": thirteen fields of eight hexadecimal digits behind the magic, name and data
// padded to four bytes.
void InitfsWriter::entry(std::string_view name, std::span<const std::byte> bytes, unsigned mode) {
  const std::uint32_t fields[] = {next_inode_++,
                                  mode,
                                  0,
                                  0,
                                  1,
                                  0,
                                  static_cast<std::uint32_t>(bytes.size()),
                                  0,
                                  0,
                                  0,
                                  0,
                                  static_cast<std::uint32_t>(name.size() + 1),
                                  0};
  std::string header = "070701";
  for (std::uint32_t field : fields) header += std::format("{:08x}", field);
  header += name;
  header += '\0';
  put(std::as_bytes(std::span(header)));
  pad();
  put(bytes);
  pad();
}

void InitfsWriter::add(std::string_view name, std::span<const std::byte> bytes) {
  entry(name, bytes, 0100444);
}

void InitfsWriter::add_directory(std::string_view name) { entry(name, {}, 040555); }

std::vector<std::byte> InitfsWriter::finish() {
  entry("TRAILER!!!", {}, 0);
  next_inode_ = 1;
  return std::exchange(archive_, {});
}

}  // namespace nebulet::tool
