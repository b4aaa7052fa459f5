// SPDX-License-Identifier: MIT
// The cache of compiled programs: code files (wasm/object) named by the module's digest, in a folder for each
// compiler. Bounded: what was not used for longest goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "tools/nebulet/error.h"

namespace nebulet::tool {

class CodeCache {
 public:
  static constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;
  /// Modules with fewer bytes are compiled faster than they are found.
  static constexpr std::size_t kLeastModule = 32 * 1024;

  /// Where $NEBULET_CACHE says, else in the user's cache folder. Nowhere: the variable is empty, or there is
  /// no such folder.
  static std::optional<CodeCache> of_user();
  explicit CodeCache(std::filesystem::path folder, std::uintmax_t most_bytes = kMostBytes)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}

  /// The code file of a program, if it is whole and of this compiler.
  std::optional<std::string> find(std::span<const std::byte> program) const;
  /// Keeps `code` as the program's and removes what is too much; the file's name.
  Result<std::string> put(std::span<const std::byte> program, std::span<const std::byte> code) const;

 private:
  std::filesystem::path path_of(std::span<const std::byte> program) const;
  void prune(const std::filesystem::path& keep) const;

  std::filesystem::path folder_;
  std::uintmax_t most_bytes_;
};

/// The name of the program's code file: from the user's cache, or compiled here and put there. Empty if that
/// does not work, and the kernel compiles. `name` is for errors.
std::string cached_code(std::span<const std::byte> program, const std::string& name);

}  // namespace nebulet::tool
