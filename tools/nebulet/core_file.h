// SPDX-License-Identifier: MIT
// Core dumps: the file that a kernel's bytes go to, and what `inspect` prints of one.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tools/nebulet/error.h"
#include "wasm/binary/module.h"

namespace nebulet::tool {

/// The file is made when something comes for it.
class CoreFile {
 public:
  explicit CoreFile(std::string path) : path_(std::move(path)) {}
  void take(std::span<const std::byte> bytes);
  /// Fails if it could not be written.
  Result<> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  int error_ = 0;
};

/// Whether the module is a core dump.
bool is_core_dump(const wasm::Module& module);
/// Prints the report, the stack, globals and memories.
Result<> print_core_dump(const std::string& path, const wasm::Module& module);

}  // namespace nebulet::tool
