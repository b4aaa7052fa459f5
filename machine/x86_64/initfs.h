// SPDX-License-Identifier: MIT
// The boot archive: cpio in the "newc" format. Its files become boot modules.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace nebulet::machine {

struct ArchiveEntry {
  std::string_view name;
  std::span<const std::byte> bytes;
};

/// Walks an archive without trusting a word of it.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<const std::byte> archive) : rest_(archive) {}
  static bool is_archive(std::span<const std::byte> bytes);
  /// The next regular file; nullopt at the end of the archive or of what is well-formed.
  std::optional<ArchiveEntry> next();

 private:
  std::optional<std::span<const std::byte>> take(std::size_t size);

  std::span<const std::byte> rest_;
  std::size_t at_ = 0;  ///< in the archive: entries are padded to 4 bytes
};

}  // namespace nebulet::machine
