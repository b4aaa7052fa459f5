// SPDX-License-Identifier: MIT
// A file system of files that lie in one piece of bytes, an archive: whoever has read its index adds them,
// and nothing changes then. Knows neither the archive's format nor where its bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/ninep/file.h"

namespace nebulet::ninep {

class ArchiveFile;

class ArchiveFiles final : public FileSystem {
 public:
  /// Copies the archive's bytes from an offset on; false if they cannot be read.
  using Reach = std::function<bool(std::uint64_t, std::span<std::byte>)>;

  /// `number` tells this file system from others; `time` is that of all its files, in seconds since 1970.
  ArchiveFiles(Reach reach, std::uint64_t number, std::uint64_t time);

  enum class Kind : std::uint8_t { file, directory, link };
  /// Adds what the archive calls `path`, and the directories that lead there. A link's bytes are its target.
  /// An entry for what is there already replaces it, but a directory stays one. False: the path leads out, or
  /// through something that is no directory, or a name in it is too long.
  bool add(std::string_view path, Kind kind, std::uint32_t mode, std::uint64_t offset, std::uint64_t size);

  /// `name` is the path of a directory; empty or `/`: of them all.
  Error attach(std::string_view name, std::unique_ptr<File>& root) override;

 private:
  friend class ArchiveFile;
  struct Node {
    Kind kind = Kind::directory;
    std::uint32_t mode = 0755;
    std::uint64_t offset = 0, size = 0;
    std::vector<std::pair<std::string, std::size_t>> entries = {};  // of directories, in the order of adding
    std::map<std::string, std::size_t, std::less<>> by_name = {};   // the same, by index of the node
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// The node of this name, made if it is not there.
  std::size_t entry(std::size_t directory, std::string_view name);
  Qid qid(std::size_t node) const;

  const Reach reach_;
  const std::uint64_t number_, time_;
  std::vector<Node> nodes_;  // the first is the root
};

}  // namespace nebulet::ninep
