// SPDX-License-Identifier: MIT
// Reads the start-up block (abi/process.toml, process_startup).
#include "user/wasi/startup.h"

#include <cstdint>
#include <cstring>

namespace nebulet::wasi {
namespace {

/// Takes words and strings off the front of the block; after the end everything is zero and empty.
class BlockReader {
 public:
  explicit BlockReader(std::span<const char> block) : block_(block) {}

  std::uint32_t word() {
    std::uint32_t value = 0;
    const auto bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  void strings(std::vector<std::string_view>& into) {
    for (std::uint32_t left = word(); left != 0 && ok_; left--) {
      const std::string_view text = string();
      if (ok_) into.push_back(text);
    }
  }
  void preopens(std::vector<Startup::Preopen>& into) {
    for (std::uint32_t left = word(); left != 0 && ok_; left--) {
      const nb_handle_t server = word();
      const std::string_view name = string(), attach_name = string();
      if (ok_) into.push_back({.name = name, .server = server, .attach_name = attach_name});
    }
  }
  void memory_directories(std::vector<Startup::Preopen>& into) {
    for (std::uint32_t left = word(); left != 0 && ok_; left--) {
      const std::uint64_t low = word(), high = word();
      const std::string_view name = string();
      if (ok_) into.push_back({.name = name, .memory_quota = low | high << 32});
    }
  }

 private:
  std::string_view string() {
    const std::uint32_t length = word();
    const auto bytes = take(length);
    take(-length & 3);
    return {bytes.data(), bytes.size()};
  }
  std::span<const char> take(std::size_t count) {
    if (!ok_ || count > block_.size()) {
      ok_ = false;
      return {};
    }
    const auto bytes = block_.first(count);
    block_ = block_.subspan(count);
    return bytes;
  }

  std::span<const char> block_;
  bool ok_ = true;
};

}  // namespace

Startup Startup::parse(std::span<const char> block) {
  Startup startup;
  BlockReader reader(block);
  constexpr std::uint32_t kVersion = 2;
  if (reader.word() != kVersion) return startup;
  reader.word();  // the console, for programs that do without WASI
  reader.word();  // the root resource, which is no file
  for (nb_handle_t& handle : startup.standard) handle = reader.word();
  startup.terminals = reader.word();
  reader.strings(startup.arguments);
  reader.strings(startup.environment);
  reader.preopens(startup.preopens);
  reader.memory_directories(startup.preopens);
  return startup;
}

const Startup& Startup::get() {
  static const Startup* startup = [] {
    auto* block = new std::vector<char>;
    const int64_t length = nb_process_startup(nullptr, 0);
    if (length > 0) {
      block->resize(static_cast<std::size_t>(length));
      nb_process_startup(block->data(), block->size());
    }
    return new Startup(parse(*block));
  }();
  return *startup;
}

}  // namespace nebulet::wasi
